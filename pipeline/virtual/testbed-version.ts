/**
 * Part of the key of `virtual`: raised whenever the same trial may come out differently by the testbed alone, so that it runs again.
 * The digits at its end are those of the folder runner-images/virtual-waggle; a test holds them equal.
 */
export const TESTBED_VERSION = 'virtual-waggle-1-5dd0e245b775b596'
