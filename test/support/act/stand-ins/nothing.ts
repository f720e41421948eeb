/** In the place of an action that makes a runner ready: the machine that the tests run on has Node and its emulators already. */
import { say } from './runner-protocol.ts'

say('nothing to do on this machine')
