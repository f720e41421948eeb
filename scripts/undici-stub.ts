/**
 * In place of undici in the actions' bundles, where it weighs 0.4 MB: @actions/http-client and @actions/github take it for proxy agents that nothing here
 * asks for, and for a `fetch` that Node has itself.
 */
export class ProxyAgent {
  constructor() {
    throw new Error('this bundle has no proxy agent')
  }
}

export const { fetch } = globalThis
