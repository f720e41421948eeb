/** Where a stage tells a person what it is doing. */
export interface Progress {
  /** One short line about the step that begins now; replaces the one before on a terminal. */
  step(line: string): void
  /** One line of output of the step, such as a line of a build log. Untrusted text: the receiver strips control characters. */
  output(line: string): void
}
