import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import { Dialler } from '../../src/peers/dialler.ts'
import { makePeers } from './make-peer.ts'
import { ManualClock } from './manual-clock.ts'

const [first, second] = await makePeers(2)
if (first === undefined || second === undefined) throw new Error('no peers')
const [own, busy] = [first.peerId, second.peerId]
const addresses = [multiaddr('/ip4/127.0.0.1/tcp/1')]

/** A dialler with one place, whose dials end when the test says so. */
function start() {
  const opened = Promise.withResolvers<never>()
  const connectionManager: Partial<ConnectionManager> = {
    getConnections: () => [],
    openConnection: () => opened.promise
  }
  const dialler = new Dialler(
    { peerId: own, connectionManager: connectionManager as ConnectionManager },
    {
      clock: new ManualClock(),
      random: { next: () => 1 },
      maxParallelDials: 1,
      deadlineMs: 10_000,
      backoffBaseMs: 1_000,
      backoffMaxMs: 60_000,
      shortLivedMs: 1_000,
      capacity: 10,
      isBanned: () => false,
      hasRoomFor: () => true
    }
  )
  return { dialler, fail: () => opened.reject(new Error('refused')) }
}

/** A peer whose name takes up so much memory that it is seen whether it is kept. */
function heavyPeer(number: number): PeerId {
  const name = Buffer.alloc(100_000, `${number} `).toString('latin1')
  const peer: PeerId = Object.create(busy, {
    toString: { value: () => name },
    equals: { value: (other: unknown) => other === peer }
  })
  return peer
}

function bytesInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  return process.memoryUsage().heapUsed
}

test('a peer that we disconnect from while it is being dialled gets no backoff', async () => {
  const { dialler, fail } = start()
  const dialled = dialler.dial({ peerId: busy, addresses }, { signal: new AbortController().signal })
  dialler.turnedAway(busy)
  fail()
  assert.equal(await dialled, 'no-room')
  assert.equal(dialler.refusal(busy), undefined)
})

test('nothing is left of peers that we disconnect from and whose dials are aborted before their turn', async () => {
  const { dialler, fail } = start()
  const dialled = dialler.dial({ peerId: busy, addresses }, { signal: new AbortController().signal })
  const abortOne = async (number: number) => {
    const controller = new AbortController()
    const peerId = heavyPeer(number)
    const waiting = dialler.dial({ peerId, addresses }, { signal: controller.signal })
    dialler.turnedAway(peerId)
    controller.abort()
    assert.equal(await waiting, 'aborted')
  }
  await abortOne(0)
  const before = bytesInUse()
  for (let number = 1; number <= 300; number++) await abortOne(number)
  const kept = bytesInUse() - before
  assert.ok(kept < 10_000_000, `${kept} bytes of 30,000,000 are kept`)
  assert.equal(dialler.size, 1)
  fail()
  assert.equal(await dialled, 'failed')
  assert.equal(dialler.refusal(busy), 'backoff')
})
