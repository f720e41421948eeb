/** Stands for `ssh2` in the bundle: only dockerode's ssh:// transport would use it, and it weighs 350 kB. */
export class Client {
  constructor() {
    throw new Error('DOCKER_HOST=ssh://… is not supported: forward the socket with `ssh -L` and set DOCKER_HOST=unix://…')
  }
}
