/** In place of undici in the actions' bundles: @actions/http-client takes it for a proxy agent that nothing here asks for, and it weighs 0.4 MB. */
export class ProxyAgent {
  constructor() {
    throw new Error('this bundle has no proxy agent')
  }
}
