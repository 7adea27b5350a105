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
import { chainToKill } from './ledger-killed-chain.ts'

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
async function run(directory: string, name: string, killAfter: number, momentMs: number): Promise<Run> {
  const child = fork(fileURLToPath(new URL('./ledger-executor-process.ts', import.meta.url)), [directory, name], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
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

for (const name of ['opaque', 'epochs']) {
  test(`an executor of ${name} killed at random instants goes on where it was and ends in the state of an undisturbed one`, async () => {
    const seed = Date.now() % 1_000_000
    const random = seededRandom(seed)
    const directory = await mkdtemp(join(tmpdir(), 'soma-ledger-'))
    const { subDags, options } = await chainToKill(name)
    const { length } = subDags
    try {
      let last = 0
      for (let kill = 0; kill <= KILLS; kill++) {
        const killAfter = kill === KILLS ? Number.POSITIVE_INFINITY : 1 + randomInteger(random, length / KILLS / 4)
        const { position, executed } = await run(join(directory, 'killed'), name, killAfter, random.next() * MOMENT_MS)
        assert(position >= last, `restarted at ${position}, after it had said ${last} (seed ${seed})`)
        last = Math.max(position, executed)
      }
      assert.equal(last, length, `seed ${seed}`)

      const undisturbed = await openLedger(join(directory, 'undisturbed'), options)
      await undisturbed.execute(subDags)
      const killed = await openLedger(join(directory, 'killed'), options)
      for (let index = 1; index <= length; index++) {
        assert.deepEqual(await killed.getStateDigest(index), await undisturbed.getStateDigest(index), `seed ${seed}`)
      }
      for (const what of ['transactions', 'epoch'] as const)
        assert.equal(killed[what], undisturbed[what], `seed ${seed}`)
      await Promise.all([killed.close(), undisturbed.close()])
    } finally {
      await rm(directory, { recursive: true })
    }
  })
}
