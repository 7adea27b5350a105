import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { Exchanges } from '../../src/discovery/exchanges.ts'
import type { GetKnownPeersRequest, GetKnownPeersResponse } from '../../src/discovery/messages.ts'
import type { Peers } from '../../src/peers/index.ts'
import { type Rpc, RpcError } from '../../src/rpc/index.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { makePeers } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const ids = (await makePeers(40)).map(({ peerId }) => peerId)
const id = (number: number) => ids[number] as PeerId
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const SLOW_MS = 1_000

/** Exchanges over an RPC whose calls are answered by hand. */
function make() {
  const calls: {
    readonly peer: string
    readonly request: GetKnownPeersRequest
    readonly answer: PromiseWithResolvers<GetKnownPeersResponse>
  }[] = []
  let known = 0
  const answered: string[] = []
  const reported: string[] = []
  const clock = new ManualClock()
  const tasks = new TaskGroup((thrown) => assert.fail(String(thrown)))
  const rpc = {
    call: (peer: PeerId, _protocol: unknown, request: GetKnownPeersRequest) => {
      const answer = Promise.withResolvers<GetKnownPeersResponse>()
      tasks.signal.addEventListener('abort', () => answer.reject(tasks.signal.reason))
      calls.push({ peer: peer.toString(), request, answer })
      return answer.promise
    }
  } as unknown as Rpc
  const exchanges = new Exchanges({
    rpc,
    peers: { report: (peer: PeerId) => reported.push(peer.toString()) } as unknown as Peers,
    clock,
    tasks,
    requestFor: () => ({ ownInfo: undefined, knownDigest: undefined, knownPrefixes: Uint8Array.of(known) }),
    onAnswer: (peer) => {
      answered.push(peer.toString())
      return true
    }
  })
  const succeed = (index: number) => calls[index]?.answer.resolve({ ownInfo: undefined, knownInfos: [] })
  const fail = (index: number) => calls[index]?.answer.reject(new RpcError('RPC_TIMEOUT', 'no answer'))
  const knows = (number: number) => {
    known = number
  }
  /** Lets those under way become slow. */
  const wait = async () => {
    clock.advance(SLOW_MS)
    await turn()
  }
  return { exchanges, calls, answered, reported, clock, tasks, succeed, fail, wait, knows }
}

test('three are asked at a time, answers not yet worked on included; the others have their turn after them', async () => {
  const { exchanges, calls, answered, succeed } = make()
  for (const peerId of ids) exchanges.ask(peerId)
  assert.equal(calls.length, 3)
  succeed(0)
  await turn()
  assert.deepEqual(answered, [id(0).toString()])
  assert.equal(calls.length, 3)
  exchanges.done(id(0))
  assert.equal(calls.length, 4)
})

test('each request tells what is known when its turn comes', async () => {
  const { exchanges, calls, succeed, knows } = make()
  for (const peerId of ids.slice(0, 4)) exchanges.ask(peerId)
  knows(7)
  succeed(0)
  await turn()
  exchanges.done(id(0))
  assert.deepEqual(
    calls.map(({ request }) => request.knownPrefixes?.[0]),
    [0, 0, 0, 7]
  )
})

test('a peer that nothing is to be learned from any more when its turn comes is not asked', async () => {
  const { exchanges, calls, succeed } = make()
  let isWorthwhile = true
  for (const peerId of ids.slice(0, 3)) exchanges.ask(peerId)
  for (const peerId of ids.slice(3, 5)) exchanges.ask(peerId, () => isWorthwhile)
  exchanges.ask(id(5))
  const next = async (index: number) => {
    succeed(index)
    await turn()
    exchanges.done(id(index))
  }
  await next(0)
  isWorthwhile = false
  await next(1)
  assert.deepEqual(
    calls.map(({ peer }) => peer),
    [0, 1, 2, 3, 5].map((number) => id(number).toString())
  )
})

test('silent peers make room for others after a second, as far as the bound on all goes', async () => {
  const { exchanges, calls, succeed, wait } = make()
  for (const peerId of ids) exchanges.ask(peerId)
  for (const asked of [6, 9, 12, 15, 16, 16]) {
    await wait()
    assert.equal(calls.length, asked)
  }
  succeed(0)
  await turn()
  exchanges.done(id(0))
  assert.equal(calls.length, 17)
})

test('what has ended becomes slow no more, and leaves nothing waiting', async () => {
  const { exchanges, calls, clock, succeed, fail, wait } = make()
  for (const peerId of ids.slice(0, 2)) exchanges.ask(peerId)
  assert.equal(clock.sleeping, 2)
  succeed(0)
  fail(1)
  await turn()
  exchanges.done(id(0))
  await turn()
  assert.equal(clock.sleeping, 0)
  for (const peerId of ids.slice(2, 8)) exchanges.ask(peerId)
  assert.equal(calls.length, 5)
  await wait()
  assert.equal(calls.length, 8)
})

test('a peer that is being asked is asked once more after that, however often one wants to', async () => {
  const { exchanges, calls, succeed } = make()
  for (let i = 0; i < 5; i++) exchanges.ask(id(0))
  assert.equal(calls.length, 1)
  for (let i = 0; i < 3; i++) {
    succeed(i)
    await turn()
    exchanges.done(id(0))
  }
  assert.equal(calls.length, 2)
})

test('a failed exchange is reported and makes room', async () => {
  const { exchanges, calls, reported, fail } = make()
  for (const peerId of ids) exchanges.ask(peerId)
  fail(1)
  await turn()
  assert.deepEqual(reported, [id(1).toString()])
  assert.equal(calls.length, 4)
  assert.deepEqual(exchanges.counts, { underWay: 3, succeeded: 0, failed: 1 })
})

test('who has disconnected is not asked any more', async () => {
  const { exchanges, calls, fail } = make()
  for (const peerId of ids.slice(0, 5)) exchanges.ask(peerId)
  exchanges.cancel(id(3))
  fail(0)
  await turn()
  assert.deepEqual(
    calls.slice(3).map(({ peer }) => peer),
    [id(4).toString()]
  )
})

test('at a tick those who are gone without a word are left unasked', () => {
  const { exchanges, calls } = make()
  for (const peerId of ids.slice(0, 6)) exchanges.ask(peerId)
  exchanges.retain([id(0), id(5)])
  for (const number of [0, 1, 2]) exchanges.done(id(number))
  assert.deepEqual(
    calls.slice(3).map(({ peer }) => peer),
    [id(5).toString()]
  )
})

test('stopping ends what is under way, reports nobody and asks nobody else', async () => {
  const { exchanges, calls, reported, clock, tasks } = make()
  for (const peerId of ids) exchanges.ask(peerId)
  await tasks.stop(new Error('stopping'))
  assert.deepEqual([calls.length, reported.length, clock.sleeping], [3, 0, 0])
  exchanges.done(id(0))
  assert.equal(calls.length, 3)
})
