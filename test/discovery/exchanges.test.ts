import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { Exchanges } from '../../src/discovery/exchanges.ts'
import type { GetKnownPeersResponse } from '../../src/discovery/messages.ts'
import type { Peers } from '../../src/peers/index.ts'
import { type Rpc, RpcError } from '../../src/rpc/index.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { makePeers } from '../peers/make-peer.ts'

const ids = (await makePeers(40)).map(({ peerId }) => peerId)
const id = (number: number) => ids[number] as PeerId
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Exchanges over an RPC whose calls are answered by hand. */
function make() {
  const calls: { readonly peer: string; readonly answer: PromiseWithResolvers<GetKnownPeersResponse> }[] = []
  const answered: string[] = []
  const reported: string[] = []
  const tasks = new TaskGroup((thrown) => assert.fail(String(thrown)))
  const rpc = {
    call: (peer: PeerId) => {
      const answer = Promise.withResolvers<GetKnownPeersResponse>()
      tasks.signal.addEventListener('abort', () => answer.reject(tasks.signal.reason))
      calls.push({ peer: peer.toString(), answer })
      return answer.promise
    }
  } as unknown as Rpc
  const exchanges = new Exchanges({
    rpc,
    peers: { report: (peer: PeerId) => reported.push(peer.toString()) } as unknown as Peers,
    tasks,
    requestFor: () => ({ ownInfo: undefined, knownDigest: undefined, knownPrefixes: undefined }),
    onAnswer: (peer) => {
      answered.push(peer.toString())
      return true
    }
  })
  const succeed = (index: number) => calls[index]?.answer.resolve({ ownInfo: undefined, knownInfos: [] })
  const fail = (index: number) => calls[index]?.answer.reject(new RpcError('RPC_TIMEOUT', 'no answer'))
  return { exchanges, calls, answered, reported, tasks, succeed, fail }
}

test('a bounded number is under way, answers not yet worked on included; the others have their turn after them', async () => {
  const { exchanges, calls, answered, succeed } = make()
  for (const peerId of ids) exchanges.ask(peerId)
  assert.equal(calls.length, 16)
  succeed(0)
  await turn()
  assert.deepEqual(answered, [id(0).toString()])
  assert.equal(calls.length, 16)
  exchanges.done(id(0))
  assert.equal(calls.length, 17)
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
  fail(3)
  await turn()
  assert.deepEqual(reported, [id(3).toString()])
  assert.equal(calls.length, 17)
  assert.deepEqual(exchanges.counts, { underWay: 16, succeeded: 0, failed: 1 })
})

test('who has disconnected is not asked any more', async () => {
  const { exchanges, calls, fail } = make()
  for (const peerId of ids.slice(0, 18)) exchanges.ask(peerId)
  exchanges.cancel(id(16))
  fail(0)
  await turn()
  assert.deepEqual(
    calls.slice(16).map(({ peer }) => peer),
    [id(17).toString()]
  )
})

test('stopping ends what is under way, reports nobody and asks nobody else', async () => {
  const { exchanges, calls, reported, tasks } = make()
  for (const peerId of ids) exchanges.ask(peerId)
  await tasks.stop(new Error('stopping'))
  assert.deepEqual([calls.length, reported.length], [16, 0])
  exchanges.done(id(0))
  assert.equal(calls.length, 16)
})
