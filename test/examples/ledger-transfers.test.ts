import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEW_ACCOUNT } from '../../examples/ledger/account.ts'
import { type Ledger, openLedger } from '../../examples/ledger/ledger.ts'
import type { TransferEffects } from '../../examples/ledger/transfer-effects.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { type Random, randomInteger, seededRandom } from '../../src/runtime/random.ts'
import type { ByteLevel } from '../../src/storage/database.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import { sealValue } from '../../src/storage/value-checksum.ts'
import { encodeEndOfPublish } from '../../src/testing/sign-transaction.ts'
import { FailingLevel } from '../storage/failing-level.ts'
import { chainOfBytes, GENESIS } from './ledger-chain.ts'
import { certifiedBytes, digestOfTransfer, keyOf, type NamedTransfer, transferBytes } from './ledger-transfers.ts'

const START = NEW_ACCOUNT.balance

function open(level: ByteLevel = createMemoryLevel()): Promise<Ledger> {
  return openLedger('memory', { genesis: GENESIS, transactions: 'certified', level })
}

/** Executes transfers, each in a commit of its own. */
async function executeAll(ledger: Ledger, transfers: readonly NamedTransfer[]): Promise<void> {
  await ledger.execute(chainOfBytes(transfers.map((transfer) => [[transferBytes(transfer)]])))
}

async function effectsOf(ledger: Ledger, transfer: NamedTransfer): Promise<TransferEffects> {
  return (await ledger.getEffects(digestOfTransfer(transfer))) ?? assert.fail('not executed')
}

test('a transfer moves its amount, uses up its nonce, and leaves its effects', async () => {
  await using ledger = disposable(await open())
  const transfer = { from: 'a', to: 'b', amount: 300, nonce: 0, shared: ['x'] }
  const [executed] = await ledger.execute(chainOfBytes([[[transferBytes(transfer)]]]))
  assert.deepEqual([executed?.transactions, executed?.failed], [1, 0])
  assert.deepEqual(await ledger.getAccount(keyOf('a')), { balance: START - 300, nonce: 1 })
  assert.deepEqual(await ledger.getAccount(keyOf('b')), { balance: START + 300, nonce: 0 })
  assert.deepEqual(await ledger.getAccount(keyOf('c')), NEW_ACCOUNT)
  assert.deepEqual(await effectsOf(ledger, transfer), {
    commit: 1,
    outcome: 'transferred',
    versions: [{ object: keyOf('x'), version: 1 }],
    accounts: [
      { key: keyOf('a'), balance: START - 300, nonce: 1 },
      { key: keyOf('b'), balance: START + 300, nonce: 0 }
    ]
  })
  assert.equal(await ledger.getEffects(keyOf('nobody')), undefined)
})

test('a transfer that fails changes no account, keeps the nonce, and has effects that say why', async () => {
  await using ledger = disposable(await open())
  const transfers = {
    'insufficient-balance': { from: 'a', to: 'b', amount: START + 1, nonce: 0 },
    'wrong-nonce': { from: 'a', to: 'b', amount: 1, nonce: 1 },
    transferred: { from: 'a', to: 'b', amount: START, nonce: 0 }
  } as const
  const executed = await ledger.execute(
    chainOfBytes(Object.values(transfers).map((transfer) => [[transferBytes(transfer)]]))
  )
  for (const [outcome, transfer] of Object.entries(transfers)) {
    assert.equal((await effectsOf(ledger, transfer)).outcome, outcome)
  }
  assert.deepEqual(
    executed.map(({ failed }) => failed),
    [1, 1, 0]
  )
  assert.deepEqual((await effectsOf(ledger, transfers['wrong-nonce'])).accounts, [])
  assert.deepEqual(await ledger.getAccount(keyOf('a')), { balance: 0, nonce: 1 })
})

test('a used nonce is a wrong one, also for a transfer of its own', async () => {
  await using ledger = disposable(await open())
  const again = { from: 'a', to: 'c', amount: 1, nonce: 0 }
  await executeAll(ledger, [{ from: 'a', to: 'b', amount: 1, nonce: 0 }, again])
  assert.equal((await effectsOf(ledger, again)).outcome, 'wrong-nonce')
})

test('a transfer to oneself, and of nothing, moves nothing and uses up the nonce', async () => {
  await using ledger = disposable(await open())
  const toSelf = { from: 'a', to: 'a', amount: START, nonce: 0 }
  const ofNothing = { from: 'a', to: 'b', amount: 0, nonce: 1 }
  await executeAll(ledger, [toSelf, ofNothing])
  assert.deepEqual(await ledger.getAccount(keyOf('a')), { balance: START, nonce: 2 })
  assert.deepEqual((await effectsOf(ledger, toSelf)).accounts, [{ key: keyOf('a'), balance: START, nonce: 1 }])
  assert.equal((await effectsOf(ledger, ofNothing)).outcome, 'transferred')
})

test('nobody comes to have more than can be counted', async () => {
  const level = createMemoryLevel()
  await level.open()
  const rich = Uint8Array.of(3, ...keyOf('rich')) // the row of an account, written as the ledger would
  const balance = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f] // 2^53 - 1
  await level.batch([{ type: 'put', key: rich, value: sealValue(rich, Uint8Array.from(balance)) }], { sync: true })
  await using ledger = disposable(await open(level))
  assert.equal((await ledger.getAccount(keyOf('rich'))).balance, Number.MAX_SAFE_INTEGER)
  const toRich = { from: 'a', to: 'rich', amount: 1, nonce: 0 }
  const toSelf = { from: 'rich', to: 'rich', amount: 5, nonce: 0 }
  await executeAll(ledger, [toRich, toSelf])
  assert.equal((await effectsOf(ledger, toRich)).outcome, 'balance-overflow')
  assert.equal((await effectsOf(ledger, toSelf)).outcome, 'transferred')
})

test('a payload that is no transfer fails by itself: a quorum certified it, and the others go on', async () => {
  await using ledger = disposable(await open())
  const nonsense = certifiedBytes('a', new TextEncoder().encode('give me all'))
  const after = { from: 'a', to: 'b', amount: 1, nonce: 0 }
  const [executed] = await ledger.execute(chainOfBytes([[[nonsense, transferBytes(after)]]]))
  assert.deepEqual([executed?.transactions, executed?.failed], [2, 1])
  assert.equal((await effectsOf(ledger, after)).outcome, 'transferred')
})

test('ends of publishing are counted, and what does not decode is left out, without an effect on any state', async () => {
  await using ledger = disposable(await open())
  await using other = disposable(await open())
  const transfer = transferBytes({ from: 'a', to: 'b', amount: 1, nonce: 0 })
  const chain = chainOfBytes([[[encodeEndOfPublish({ epoch: 0, author: 1 }), Uint8Array.of(1, 2), transfer]]])
  const [executed] = await ledger.execute(chain)
  const { transactions, failed, endsOfPublish, unreadable } = executed ?? assert.fail()
  assert.deepEqual(
    { transactions, failed, endsOfPublish, unreadable },
    { transactions: 1, failed: 0, endsOfPublish: 1, unreadable: 1 }
  )
  await other.execute(chainOfBytes([[[transfer]]]))
  assert.notDeepEqual(ledger.stateDigest, other.stateDigest, 'the commits differ')
  assert.deepEqual(await ledger.getAccount(keyOf('a')), await other.getAccount(keyOf('a')))
})

test('shared objects get their next versions in the order of commits, blocks and transactions, failed ones too', async () => {
  await using ledger = disposable(await open())
  const transfers = [
    { from: 'a', to: 'b', amount: 1, nonce: 0, shared: ['x'] },
    { from: 'b', to: 'c', amount: 1, nonce: 7, shared: ['y', 'x'] }, // fails
    { from: 'c', to: 'd', amount: 1, nonce: 0, shared: ['x'] },
    { from: 'a', to: 'd', amount: 1, nonce: 1, shared: ['x', 'y'] }
  ] as const
  const [first, second, third, fourth] = transfers.map((transfer) => transferBytes(transfer))
  assert(first && second && third && fourth)
  await ledger.execute(
    chainOfBytes([
      [[first, second], [third]],
      [[first], [fourth]]
    ])
  )
  const versions = await Promise.all(
    transfers.map(async (transfer) => (await effectsOf(ledger, transfer)).versions.map(({ version }) => version))
  )
  assert.deepEqual(versions, [[1], [1, 2], [3], [4, 2]])
  assert.deepEqual([await ledger.getVersion(keyOf('x')), await ledger.getVersion(keyOf('y'))], [4, 2])
  assert.equal(await ledger.getVersion(keyOf('z')), 0)
})

test('a transaction is executed once: in a block, a commit, a write, a later run, and certified again in another epoch', async () => {
  const level = createMemoryLevel()
  const transfer = { from: 'a', to: 'b', amount: 5, nonce: 0, shared: ['x'] }
  const failing = { from: 'b', to: 'a', amount: 5, nonce: 3 }
  const [once, otherwise] = [transferBytes(transfer, 0), transferBytes(transfer, 1)]
  assert.notDeepEqual(once, otherwise)
  const bytes = [once, transferBytes(failing)]
  const chain = chainOfBytes([[[...bytes, once], bytes], [bytes], [[otherwise, ...bytes]], [bytes]])
  const first = await open(level)
  const executed = [...(await first.execute(chain.slice(0, 2))), ...(await first.execute(chain.slice(2, 3)))]
  await first.close()
  await using again = disposable(await open(level))
  executed.push(...(await again.execute(chain.slice(3))))
  assert.deepEqual(
    executed.map(({ transactions, duplicates }) => [transactions, duplicates]),
    [
      [2, 3],
      [0, 2],
      [0, 3],
      [0, 2]
    ]
  )
  assert.deepEqual(await again.getAccount(keyOf('a')), { balance: START - 5, nonce: 1 })
  assert.equal(await again.getVersion(keyOf('x')), 1)
  assert.equal((await effectsOf(again, transfer)).commit, 1)
})

test('two nodes agree on the state if they executed the same, and only then', async () => {
  const transfers = [
    { from: 'a', to: 'b', amount: 1, nonce: 0, shared: ['x'] },
    { from: 'b', to: 'c', amount: START, nonce: 0, shared: ['x'] }
  ]
  const chain = chainOfBytes(transfers.map((transfer) => [[transferBytes(transfer)]]))
  const digests = new Set<string>()
  for (const richer of ['nobody', 'a', 'nobody']) {
    const level = createMemoryLevel()
    await level.open()
    const key = Uint8Array.of(3, ...keyOf(richer))
    await level.batch([{ type: 'put', key, value: sealValue(key, Uint8Array.of(0x08, 100)) }], { sync: true }) // a ledger that began with another state
    await using ledger = disposable(await open(level))
    await ledger.execute(chain)
    digests.add(toHex(ledger.stateDigest))
  }
  assert.equal(digests.size, 2)
})

/** Transfers of which about half succeed, in blocks and commits of all sizes, some again. */
function randomCommits(random: Random, count: number): NamedTransfer[][][] {
  const names = ['a', 'b', 'c', 'd', 'e']
  const pick = () => names[randomInteger(random, names.length)] as string
  const nonces = new Map<string, number>()
  const made: NamedTransfer[] = []
  const make = (): NamedTransfer => {
    const again = made[randomInteger(random, made.length)]
    if (again !== undefined && random.next() < 0.2) return again
    const from = pick()
    const nonce = nonces.get(from) ?? 0
    const isRight = random.next() < 0.7
    const amount = randomInteger(random, random.next() < 0.1 ? START * 4 : START / 4)
    const shared = ['x', 'y', 'z'].filter(() => random.next() < 0.3)
    const transfer = { from, to: pick(), amount, nonce: isRight ? nonce : nonce + 1 + randomInteger(random, 3), shared }
    if (isRight) nonces.set(from, nonce + 1) // wrong from here on when it fails: others will too
    if (random.next() < 0.05) nonces.delete(from)
    made.push(transfer)
    return transfer
  }
  const times = <T>(most: number, one: () => T) => Array.from({ length: randomInteger(random, most + 1) }, one)
  return Array.from({ length: count }, () => [[make()], ...times(3, () => times(4, make))])
}

/** Executes by the rules as they are written down, and no further. */
function model(commits: readonly NamedTransfer[][][]) {
  const accounts = new Map<string, { balance: number; nonce: number }>()
  const versions = new Map<string, number>()
  const done = new Set<string>()
  const of = (name: string) => accounts.get(name) ?? { ...NEW_ACCOUNT }
  for (const transfer of commits.flat(2)) {
    const { from, to, amount, nonce, shared = [] } = transfer
    const id = toHex(digestOfTransfer(transfer))
    if (done.has(id)) continue
    done.add(id)
    for (const object of shared) versions.set(object, (versions.get(object) ?? 0) + 1)
    if (of(from).nonce !== nonce || of(from).balance < amount) continue
    accounts.set(from, { balance: of(from).balance - amount, nonce: nonce + 1 })
    accounts.set(to, { ...of(to), balance: of(to).balance + amount })
  }
  return { accounts, versions, transactions: done.size }
}

test('random transfers come to what a model of the rules says, however the commits are grouped', async () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000)
  const random = seededRandom(seed)
  const commits = randomCommits(random, 80)
  const expected = model(commits)
  const chain = chainOfBytes(commits.map((blocks) => blocks.map((block) => block.map((one) => transferBytes(one)))))
  const states = new Set<string>()
  for (const most of [1, 7, 80]) {
    await using ledger = disposable(await open())
    for (const group of groupsOf(chain, () => 1 + randomInteger(random, most))) await ledger.execute(group)
    for (const [name, account] of expected.accounts) {
      assert.deepEqual(await ledger.getAccount(keyOf(name)), account, `${name}, seed ${seed}`)
    }
    for (const [name, version] of expected.versions) assert.equal(await ledger.getVersion(keyOf(name)), version)
    assert.equal(ledger.transactions, expected.transactions)
    states.add(toHex(ledger.stateDigest))
  }
  assert.equal(states.size, 1, `seed ${seed}`)
})

test('more transactions of one commit than are executed at a time are executed as they come', async () => {
  await using ledger = disposable(await open())
  const count = 1_000
  const bytes = Array.from({ length: count }, (_, nonce) =>
    transferBytes({ from: 'a', to: `${nonce}`, amount: 1, nonce })
  )
  const [executed] = await ledger.execute(chainOfBytes([[bytes.slice(0, 700), bytes.slice(600)]]))
  assert.deepEqual([executed?.transactions, executed?.failed, executed?.duplicates], [count, 0, 100])
  assert.deepEqual(await ledger.getAccount(keyOf('a')), { balance: START - count, nonce: count })
})

test('a read that fails within a group leaves nothing behind, and the group is executed anew', async () => {
  const level = new FailingLevel()
  await using ledger = disposable(await open(level))
  const transfers = [0, 1, 2].map((nonce) => ({ from: 'a', to: `${nonce}`, amount: 1, nonce }))
  const chain = chainOfBytes(transfers.map((transfer) => [[transferBytes(transfer)]]))
  level.beforeNextRead(async () => {
    level.beforeNextRead(() => Promise.reject(new Error('a bad sector'))) // that of the second commit
  })
  await assert.rejects(ledger.execute(chain), { code: 'LEDGER_READ_FAILED' })
  assert.deepEqual([ledger.highestExecuted, ledger.transactions], [0, 0])
  const executed = await ledger.execute(chain)
  assert.deepEqual(
    executed.map(({ transactions, failed }) => [transactions, failed]),
    [
      [1, 0],
      [1, 0],
      [1, 0]
    ]
  )
})

test('a ledger executes the kind of transactions that it was made for', async () => {
  const level = createMemoryLevel()
  const ledger = await open(level)
  await executeAll(ledger, [{ from: 'a', to: 'b', amount: 1, nonce: 0 }])
  await ledger.close()
  await assert.rejects(openLedger('memory', { genesis: GENESIS, level }), { code: 'LEDGER_OTHER_TRANSACTIONS' })
  await (await open(level)).close()
})

function* groupsOf(chain: readonly CommittedSubDag[], size: () => number): Generator<CommittedSubDag[]> {
  for (let start = 0; start < chain.length; ) {
    const group = chain.slice(start, start + size())
    start += group.length
    yield group
  }
}

function disposable(ledger: Ledger): Ledger & AsyncDisposable {
  return Object.assign(ledger, { [Symbol.asyncDispose]: () => ledger.close() })
}
