/** The name under which the post step finds the run id of its step; absent: the step started nothing. */
export const RUN_STATE = 'run'
