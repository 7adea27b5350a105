import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLedger } from '../../examples/ledger/ledger.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import { GENESIS, longChain } from './ledger-chain.ts'

const LENGTH = 400
const KILLS = 6
/** As long as a few writes take. */
const MOMENT_MS = 5

interface Run {
  /** Where the ledger stood when the process opened it. */
  position: number
  /** The highest commit that it said it had executed. */
  executed: number
}

/** Runs an executor until its end, or kills it a moment after it said that it has executed so many commits. */
async function run(directory: string, killAfter: number, momentMs: number): Promise<Run> {
  const child = fork(
    fileURLToPath(new URL('./ledger-executor-process.ts', import.meta.url)),
    [directory, String(LENGTH)],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }
  )
  const run: Run = { position: -1, executed: -1 }
  child.on('message', (told: { position: number } | { executed: number }) => {
    if ('position' in told) run.position = told.position
    else run.executed = told.executed
    if (run.executed - run.position === killAfter) setTimeout(() => child.kill('SIGKILL'), momentMs)
  })
  const [code, signal] = await once(child, 'exit')
  assert(signal === 'SIGKILL' || code === 0, `the executor ended with ${code ?? signal}`)
  return run
}

test('an executor killed at random instants goes on where it was and ends in the state of an undisturbed one', async () => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  const directory = await mkdtemp(join(tmpdir(), 'soma-ledger-'))
  try {
    let last = 0
    for (let kill = 0; kill <= KILLS; kill++) {
      const killAfter = kill === KILLS ? Number.POSITIVE_INFINITY : 1 + randomInteger(random, LENGTH / KILLS / 4)
      const { position, executed } = await run(join(directory, 'killed'), killAfter, random.next() * MOMENT_MS)
      assert(position >= last, `restarted at ${position}, after it had said ${last} (seed ${seed})`)
      last = Math.max(position, executed)
    }
    assert.equal(last, LENGTH, `seed ${seed}`)

    const undisturbed = await openLedger(join(directory, 'undisturbed'), { genesis: GENESIS })
    await undisturbed.execute(longChain(LENGTH))
    const killed = await openLedger(join(directory, 'killed'), { genesis: GENESIS })
    assert.deepEqual(killed.stateDigest, undisturbed.stateDigest, `seed ${seed}`)
    assert.equal(killed.transactions, undisturbed.transactions, `seed ${seed}`)
    await Promise.all([killed.close(), undisturbed.close()])
  } finally {
    await rm(directory, { recursive: true })
  }
})
