// Loaded before every test file. A file that leaves something running still does not end.
import { endWhenIdle } from '../examples/end-when-idle.ts'

endWhenIdle()
