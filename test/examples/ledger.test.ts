import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type ExecutedCommit, type Ledger, openLedger } from '../../examples/ledger/ledger.ts'
import { LedgerDatabase } from '../../examples/ledger/ledger-database.ts'
import { FORMAT_KEY } from '../../examples/ledger/ledger-keys.ts'
import { type ExecutorInit, runExecutor } from '../../examples/ledger/run-executor.ts'
import { nextState } from '../../examples/ledger/state-digest.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { chainOf, GENESIS, longChain, nodeWith } from './ledger-chain.ts'

const directories: string[] = []
after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))))

async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-ledger-'))
  directories.push(directory)
  return directory
}

async function withLedger<T>(use: (ledger: Ledger) => Promise<T>, directory?: string): Promise<T> {
  const ledger = await openLedger(directory ?? (await emptyDirectory()), { genesis: GENESIS })
  try {
    return await use(ledger)
  } finally {
    await ledger.close()
  }
}

const transactionDigest = (text: string) => digestOf('transaction', new TextEncoder().encode(text))
const never = new AbortController().signal

function chained(chain: readonly CommittedSubDag[], texts: readonly string[][]): Uint8Array {
  return chain.reduce(
    (state, { commit }, at) => nextState(state, commit.ref.digest, (texts[at] ?? []).map(transactionDigest)),
    GENESIS.stateHash
  )
}

test('the state digest chains each commit with the transactions it executed, in order', () =>
  withLedger(async (ledger) => {
    const chain = chainOf([[['a', 'b'], ['c']], [['d']]])
    const executed = await ledger.execute(chain)
    const counts = { failed: 0, duplicates: 0, endsOfPublish: 0, unreadable: 0, handOver: undefined }
    assert.deepEqual(executed, [
      { index: 1, stateDigest: chained(chain.slice(0, 1), [['a', 'b', 'c']]), transactions: 3, ...counts },
      { index: 2, stateDigest: chained(chain, [['a', 'b', 'c'], ['d']]), transactions: 1, ...counts }
    ])
    assert.deepEqual(ledger.stateDigest, executed[1]?.stateDigest)
    assert.equal(ledger.transactions, 4)
  }))

test('a transaction is executed once, whether it comes again in a block, a commit, a write or a later run', async () => {
  const directory = await emptyDirectory()
  const chain = chainOf([[['a', 'a'], ['a']], [['b', 'a']], [['a', 'c']], [['b', 'c', 'd']]])
  await withLedger(async (ledger) => {
    const counts = [...(await ledger.execute(chain.slice(0, 2))), ...(await ledger.execute(chain.slice(2, 3)))]
    assert.deepEqual(
      counts.map(({ transactions, duplicates }) => [transactions, duplicates]),
      [
        [1, 2],
        [1, 1],
        [1, 1]
      ]
    )
  }, directory)
  await withLedger(async (ledger) => {
    const [executed] = await ledger.execute(chain.slice(3))
    assert.deepEqual([executed?.transactions, executed?.duplicates], [1, 2])
    assert.deepEqual(ledger.stateDigest, chained(chain, [['a'], ['b'], ['c'], ['d']]))
  }, directory)
})

test('how commits are grouped into writes and runs makes no difference to the state', async () => {
  const chain = longChain(30)
  const whole = await withLedger(async (ledger) => {
    await ledger.execute(chain)
    return ledger.stateDigest
  })
  const directory = await emptyDirectory()
  for (const [start, end] of [
    [0, 7],
    [7, 8],
    [8, 30]
  ]) {
    await withLedger(async (ledger) => {
      assert.equal(ledger.highestExecuted, start)
      await ledger.execute(chain.slice(start, end))
    }, directory)
  }
  await withLedger(async (ledger) => {
    assert.deepEqual(ledger.stateDigest, whole)
    assert.deepEqual(await ledger.getStateDigest(30), whole)
    assert.equal(ledger.highestExecuted, 30)
  }, directory)
})

test('the state after each executed commit can be asked for', () =>
  withLedger(async (ledger) => {
    const executed = await ledger.execute(longChain(5))
    for (const { index, stateDigest } of executed) assert.deepEqual(await ledger.getStateDigest(index), stateDigest)
    assert.equal(await ledger.getStateDigest(6), undefined)
  }))

test('a gap, a commit again and a commit of another chain are refused, those before them executed, and the ledger goes on', () =>
  withLedger(async (ledger) => {
    const [first, second, third, fourth] = longChain(4)
    const [foreign, foreignSecond] = chainOf([[['x']], [['y']]], new Uint8Array(32).fill(1))
    assert(first && second && third && fourth && foreign && foreignSecond)
    await assert.rejects(ledger.execute([foreign]), { code: 'LEDGER_OTHER_CHAIN' })
    await ledger.execute([first])
    await assert.rejects(ledger.execute([third]), { code: 'LEDGER_GAP' })
    await assert.rejects(ledger.execute([first]), { code: 'LEDGER_GAP' })
    await assert.rejects(ledger.execute([foreignSecond]), { code: 'LEDGER_OTHER_CHAIN' })
    assert.equal(ledger.highestExecuted, 1)
    assert.equal(await ledger.getStateDigest(2), undefined)

    const told: number[] = []
    const onExecuted = ({ index }: ExecutedCommit) => told.push(index)
    await assert.rejects(ledger.execute([second, fourth, third], { onExecuted }), { code: 'LEDGER_GAP' })
    assert.deepEqual([ledger.highestExecuted, told], [2, [2]])
    await ledger.execute([third, fourth], { onExecuted })
    assert.deepEqual([ledger.highestExecuted, told], [4, [2, 3, 4]])
  }))

test('calls queue behind each other', () =>
  withLedger(async (ledger) => {
    const chain = longChain(20)
    await Promise.all(chain.map((subDag) => ledger.execute([subDag])))
    assert.equal(ledger.highestExecuted, 20)
  }))

test('a ledger that is open elsewhere, damaged, closed or not a directory says so', async () => {
  const directory = await emptyDirectory()
  const ledger = await openLedger(directory, { genesis: GENESIS })
  await assert.rejects(openLedger(directory, { genesis: GENESIS }), { code: 'LEDGER_LOCKED' })
  await ledger.close()
  await ledger.close()
  await assert.rejects(ledger.execute(longChain(1)), { code: 'LEDGER_CLOSED' })
  await assert.rejects(ledger.getStateDigest(1), { code: 'LEDGER_CLOSED' })
  const file = join(directory, 'file')
  await writeFile(file, '')
  await assert.rejects(openLedger(file, { genesis: GENESIS }), { code: 'LEDGER_OPEN_FAILED' })
})

test('a ledger that cannot be the one that is wanted says which it is and what to do', async () => {
  const directory = await emptyDirectory()
  await withLedger((ledger) => ledger.execute(longChain(3)), directory)
  const refused = (code: string, message: RegExp, genesis = GENESIS) =>
    assert.rejects(openLedger(directory, { genesis }), { code, message })
  const { genesis: other } = buildChain({ commits: 0, seed: 2 })
  await refused('LEDGER_OTHER_CHAIN', /of another chain: use another data directory, or move the ledger away/, other)

  const database = await LedgerDatabase.open(directory, undefined)
  await database.write([{ type: 'put', key: FORMAT_KEY, value: Uint8Array.of(9) }])
  await database.close()
  await refused('LEDGER_WRONG_VERSION', /written in format 9, and this is format \d: use the version that wrote it/)

  await rm(join(directory, 'CURRENT')) // LevelDB would begin anew and delete the data
  await refused('LEDGER_CORRUPTED', /no file CURRENT: the data is damaged; move the directory away/)
})

test('the executor goes on where the ledger stands, one commit after the other', async () => {
  const directory = await emptyDirectory()
  const chain = longChain(150)
  const seen: number[] = []
  await withLedger(async (ledger) => {
    const controller = new AbortController()
    const onExecuted = ({ index }: { index: number }) => {
      seen.push(index)
      if (index === 70) controller.abort()
    }
    await runExecutor({ node: nodeWith(chain), ledger, signal: controller.signal, onExecuted })
    assert(ledger.highestExecuted < 150, 'it went on after its signal had aborted')
  }, directory)
  await withLedger(
    (ledger) =>
      runExecutor({ node: nodeWith(chain), ledger, signal: never, onExecuted: ({ index }) => seen.push(index) }),
    directory
  )
  assert.deepEqual(
    seen,
    chain.map(({ commit }) => commit.ref.index)
  )
})

test('while it is behind, the executor writes many commits at once, and bounds what it holds', () =>
  withLedger(async (ledger) => {
    const writes: number[] = []
    const counting = new Proxy(ledger, {
      get(target, key) {
        const value = Reflect.get(target, key, target)
        if (key !== 'execute') return typeof value === 'function' ? value.bind(target) : value
        return (...[subDags, options]: Parameters<Ledger['execute']>) => {
          writes.push(subDags.length)
          return target.execute(subDags, options)
        }
      }
    })
    const megabyte = 'x'.repeat(1024 * 1024)
    const chain = chainOf([...Array(140).fill([['small']]), ...Array(9).fill([[megabyte]])])
    await runExecutor({ node: nodeWith(chain), ledger: counting, signal: never })
    assert.equal(ledger.highestExecuted, 149)
    assert.deepEqual(writes, [64, 64, 12 + 5, 1, 1, 1, 1]) // sixteen are read at once, and the first large ones come as a surprise
  }))

test('what the node may prune is durable in the ledger: its cursor is never ahead', () =>
  withLedger(async (ledger) => {
    const chain = longChain(200)
    const { store } = nodeWith(chain)
    let highest = 0 // grows as a sync goes on
    const node: ExecutorInit['node'] = {
      ...nodeWith(chain),
      store: { ...store, getSubDag: async (index) => (index <= highest ? store.getSubDag(index) : undefined) },
      async *subscribe({ name, from = 1 } = {}) {
        assert.equal(name, 'executor')
        for (let index = from; index <= chain.length; index++) {
          assert.equal(ledger.highestExecuted, index - 1, `commit ${index - 1} was given up before it was executed`)
          highest = Math.max(highest, index + (index % 7))
          yield chain[index - 1] as CommittedSubDag
        }
      }
    }
    await runExecutor({ node, ledger, signal: never })
    assert.equal(ledger.highestExecuted, 200)
  }))

test('what the ledger refuses ends the executor', () =>
  withLedger(async (ledger) => {
    const skipping = nodeWith(longChain(3).filter((_, at) => at !== 1))
    await assert.rejects(runExecutor({ node: skipping, ledger, signal: never }), { code: 'LEDGER_GAP' })
    assert.equal(ledger.highestExecuted, 1)
  }))
