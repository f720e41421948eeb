/** A data set that cannot be taken as it is declared; becomes a problem. */
export class Refusal extends Error {
  readonly code: 'dataset-missing' | 'dataset-mismatch' | 'dataset-invalid' | 'dataset-too-large' | 'dataset-address'

  constructor(code: Refusal['code'], message: string) {
    super(message)
    this.name = 'Refusal'
    this.code = code
  }
}
