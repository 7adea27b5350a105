import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AddressManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import type { AccessType, Capability } from '../../src/discovery/messages.ts'
import { OwnInfo } from '../../src/discovery/own-info.ts'
import { makePeer } from '../peers/make-peer.ts'
import { CHAIN, NOW } from './make-info.ts'

const peer = await makePeer(1)
const capabilities: Capability[] = [{ protocol: 'fetch-blocks', lowest: 3, highest: 0 }]

function make({
  addresses = ['/ip4/8.8.8.8/tcp/1'],
  privateNetwork = false,
  accessType = 'public' as AccessType
} = {}) {
  const listed = { addresses, now: NOW }
  const own = new OwnInfo({
    ...peer,
    chainId: CHAIN,
    addressManager: { getAddresses: () => listed.addresses.map((text) => multiaddr(text)) } as AddressManager,
    clock: { now: () => listed.now, monotonic: () => 0, sleep: async () => {} },
    privateNetwork,
    accessType,
    capabilities: () => capabilities
  })
  return { own, listed }
}

test('there is no own info before the first renewal, nor without an address to give', async () => {
  const { own, listed } = make()
  const timestamp = () => own.current?.timestampMs
  assert.equal(timestamp(), undefined)
  await own.renew()
  assert.equal(timestamp(), NOW)
  listed.addresses = []
  await own.renew()
  assert.equal(timestamp(), undefined)
})

test('it says who we are, where, and what we serve', async () => {
  const { own } = make({ accessType: 'trusted' })
  await own.renew()
  assert.equal(own.current?.peerId.toString(), peer.peerId.toString())
  assert.equal(own.current?.accessType, 'trusted')
  assert.deepEqual(own.current?.capabilities, capabilities)
})

test('addresses that others could not dial are not given away', async () => {
  const addresses = [
    `/ip4/8.8.8.8/tcp/1/p2p/${peer.peerId}`,
    '/ip4/8.8.8.8/tcp/1',
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/0.0.0.0/tcp/1',
    '/ip4/8.8.8.8/udp/1/quic-v1'
  ]
  const { own } = make({ addresses })
  await own.renew()
  assert.deepEqual(own.current?.addresses.map(String), ['/ip4/8.8.8.8/tcp/1'])
  const local = make({ addresses, privateNetwork: true })
  await local.own.renew()
  assert.deepEqual(local.own.current?.addresses.map(String), ['/ip4/8.8.8.8/tcp/1', '/ip4/127.0.0.1/tcp/1'])
})

test('of more than eight addresses the first eight are given away', async () => {
  const { own } = make({ addresses: Array.from({ length: 12 }, (_, i) => `/ip4/8.8.8.8/tcp/${i + 1}`) })
  await own.renew()
  assert.equal(own.current?.addresses.length, 8)
})

test('each info is later than the one before, though the clock stands or steps back a little', async () => {
  const { own, listed } = make()
  await own.renew()
  await own.renew()
  assert.equal(own.current?.timestampMs, NOW + 1)
  listed.now = NOW - 5_000
  await own.renew()
  assert.equal(own.current?.timestampMs, NOW + 2)
})

test('a clock that was far ahead is believed once it has been put right', async () => {
  const { own, listed } = make()
  await own.renew()
  listed.now = NOW - 3_600_000
  await own.renew()
  assert.equal(own.current?.timestampMs, NOW - 3_600_000)
})
