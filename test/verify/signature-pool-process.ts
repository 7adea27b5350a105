import { setTimeout as delay } from 'node:timers/promises'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import { validCheck } from './make-checks.ts'

/** A process that does nothing but verify, with nothing else to keep it alive, and never gives its share back. */
const checks = Array.from({ length: 300 }, (_, index) => validCheck(64, index))
const pool = acquireSignaturePool({ workers: 2 })
console.log(`first ${(await pool.verify(checks)).length}`)
await delay(1)
console.log(`second ${(await pool.verify(checks)).length}`)
