import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import { Introducers } from '../../src/discovery/introducers.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'

const [alice, bob] = (await makePeers(2)) as [TestPeer, TestPeer]

test('peers of a subnet introduce under its name, also when they have left, others under their own, and strangers under one', () => {
  const addresses = new Map([
    [alice.peerId.toString(), '/ip4/8.8.8.8/tcp/1'],
    [bob.peerId.toString(), '/ip4/10.0.0.1/tcp/1']
  ])
  const connectionManager = {
    getConnections: (peerId: PeerId) => {
      const text = addresses.get(peerId.toString())
      return text === undefined ? [] : [{ remoteAddr: multiaddr(text) }]
    }
  } as unknown as ConnectionManager
  const introducers = new Introducers({
    connectionManager,
    subnetOf: (address) => (address.toString().startsWith('/ip4/8.') ? '8.8.8.0/24' : undefined)
  })
  assert.equal(introducers.nameOf(alice.peerId), introducers.nameOf(bob.peerId), 'strangers are one')
  introducers.connected(alice.peerId)
  introducers.connected(bob.peerId)
  addresses.clear()
  assert.equal(introducers.nameOf(alice.peerId), '8.8.8.0/24')
  assert.equal(introducers.nameOf(bob.peerId), bob.peerId.toString())
})
