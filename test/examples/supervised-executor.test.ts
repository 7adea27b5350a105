import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { SupervisedExecutor } from '../../examples/cli/supervised-executor.ts'
import { openLedger } from '../../examples/ledger/ledger.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { SubscribeOptions } from '../../src/delivery/delivery.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { NO_WATERMARKS } from './ledger-chain.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-executor-'))
})
after(() => rm(directory, { recursive: true }))

const chain = buildChain({ commits: 6 })
const subDags = chain.commits.map(({ subDag }) => subDag)

/** Nothing to read ahead, and nothing to tell. */
const beside = {
  store: { getSubDag: async () => undefined, watermarks: NO_WATERMARKS },
  insertCommittee: async () => 'known' as const,
  reportHealth: () => undefined
}

test('a failed executor runs again where it was, later each time that it gets no further', async () => {
  const ledger = await openLedger(join(directory, 'ledger'), chain)
  const clock = new ManualClock()
  const lines: { msg: string; retryMs?: number }[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  /** How many commits each subscription gives before it fails; the last goes to the end. */
  const subscriptions = [2, 0, 0, 1, 99]
  const node = {
    ...beside,
    async *subscribe({ from = 1 }: SubscribeOptions = {}): AsyncGenerator<CommittedSubDag> {
      const count = subscriptions.shift() ?? 0
      for (const subDag of subDags.slice(from - 1, from - 1 + count)) yield subDag
      if (count < 99) throw new Error('no more for now')
    }
  }
  const executor = new SupervisedExecutor({ node, ledger, clock, signal: new AbortController().signal, log })
  const running = executor.run()
  for (const [wait, highest] of [
    [1_000, 2],
    [2_000, 2],
    [4_000, 2],
    [1_000, 3]
  ] as const) {
    while (clock.sleeping === 0) await new Promise(setImmediate)
    assert.match(executor.failure ?? '', /no more for now/)
    assert.equal(ledger.highestExecuted, highest)
    clock.advance(wait - 1)
    assert.equal(clock.sleeping, 1, `it waits for ${wait} ms`)
    clock.advance(1)
  }
  await running
  assert.equal(ledger.highestExecuted, 6)
  assert.equal(executor.failure, undefined)
  assert.deepEqual(
    lines.flatMap(({ retryMs }) => retryMs ?? []),
    [1_000, 2_000, 4_000, 1_000]
  )
  assert.ok(lines.some(({ msg }) => msg === 'the executor goes on'))
  await ledger.close()
})

test('it ends while it waits when the signal aborts', async () => {
  const ledger = await openLedger(join(directory, 'aborted'), chain)
  const clock = new ManualClock()
  const stop = new AbortController()
  const node = {
    ...beside,
    // biome-ignore lint/correctness/useYield: it fails before there is anything
    async *subscribe(): AsyncGenerator<CommittedSubDag> {
      throw new Error('never')
    }
  }
  const running = new SupervisedExecutor({
    node,
    ledger,
    clock,
    signal: stop.signal,
    log: pino({ level: 'silent' })
  }).run()
  while (clock.sleeping === 0) await new Promise(setImmediate)
  stop.abort()
  await running
  await ledger.close()
})
