/** Whether what a person typed is an address of a Git repository, and no path. */
export function isGitUrl(place: string): boolean {
  return /^(https?|ssh|git|file):\/\/|^[\w.-]+@[\w.-]+:/.test(place)
}
