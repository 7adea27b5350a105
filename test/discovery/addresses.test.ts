import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { isPublic, parseAddress, parsePeerAddresses } from '../../src/discovery/addresses.ts'
import { DiscoveryError } from '../../src/discovery/discovery-error.ts'
import { makePeer } from '../peers/make-peer.ts'

const { peerId } = await makePeer(1)
const { peerId: other } = await makePeer(2)

const codeIs = (code: string) => (thrown: unknown) => thrown instanceof DiscoveryError && thrown.code === code

test('an address is a host and a TCP port, with or without the subject’s peer id', () => {
  for (const host of ['ip4/8.8.8.8', 'ip6/2606:4700::1111', 'dns/a.example', 'dns4/a.example', 'dns6/a.example']) {
    assert.equal(parseAddress(`/${host}/tcp/4001`, peerId).toString(), `/${host}/tcp/4001`)
    assert.equal(parseAddress(`/${host}/tcp/4001/p2p/${peerId}`, peerId).toString(), `/${host}/tcp/4001`)
  }
})

test('anything else is refused', () => {
  const refused = [
    '',
    'not a multiaddr',
    '/',
    '/ip4/8.8.8.8',
    '/ip4/8.8.8.8/udp/4001',
    '/ip4/8.8.8.8/udp/4001/quic-v1',
    '/ip4/8.8.8.8/tcp/0',
    '/ip4/8.8.8.8/tcp/70000',
    '/ip4/8.8.8.8/tcp/4001/ws',
    `/ip4/8.8.8.8/tcp/4001/p2p/${other}`,
    `/ip4/8.8.8.8/tcp/4001/p2p/${other}/p2p-circuit/p2p/${peerId}`,
    `/ip4/8.8.8.8/tcp/4001/p2p/${peerId}/p2p-circuit`,
    `/p2p/${peerId}`,
    `/dnsaddr/a.example/p2p/${peerId}`,
    '/ip6zone/eth0/ip6/fe80::1/tcp/4001',
    '/unix/tmp/socket',
    '/ip4/0.0.0.0/tcp/4001',
    '/ip4/224.0.0.1/tcp/4001',
    '/ip4/255.255.255.255/tcp/4001',
    '/ip6/::/tcp/4001',
    '/ip6/ff02::1/tcp/4001'
  ]
  for (const text of refused) assert.throws(() => parseAddress(text, peerId), codeIs('INFO_BAD_ADDRESS'), text)
})

test('addresses of private ranges are not public', () => {
  const hosts = [
    'ip4/127.0.0.1',
    'ip4/10.1.2.3',
    'ip4/172.16.0.1',
    'ip4/172.31.255.255',
    'ip4/192.168.1.1',
    'ip4/100.64.0.1',
    'ip4/169.254.169.254',
    'ip4/198.18.0.1',
    'ip4/192.0.2.1',
    'ip4/0.1.2.3',
    'ip4/224.0.0.1',
    'ip4/255.255.255.255',
    'ip6/::1',
    'ip6/::',
    'ip6/fe80::1',
    'ip6/fc00::1',
    'ip6/fd12::1',
    'ip6/ff02::1',
    'ip6/::ffff:127.0.0.1',
    'ip6/::ffff:8.8.8.8',
    'ip6/64:ff9b::7f00:1',
    'ip6/2002:7f00:1::',
    'ip6/2001::1',
    'ip6/2001:db8::1',
    'dns4/localhost',
    'dns4/a.localhost',
    'dns/printer.local',
    'dns4/db.internal',
    'dns6/LOCALHOST.',
    'dns4/127.0.0.1',
    'dns4/8.8.8.8',
    'dns6/::1',
    'dns/fe80::1%25eth0'
  ]
  for (const host of hosts) assert.equal(isPublic(multiaddr(`/${host}/tcp/4001`)), false, host)
})

test('addresses that mean the same host to everyone are public', () => {
  const hosts = [
    'ip4/8.8.8.8',
    'ip4/172.32.0.1',
    'ip4/100.128.0.1',
    'ip4/192.169.0.1',
    'ip4/223.255.255.255',
    'ip6/2606:4700::1111',
    'ip6/2a00:1450::1',
    'dns4/node.example',
    'dns4/localhost.example'
  ]
  for (const host of hosts) assert.equal(isPublic(multiaddr(`/${host}/tcp/4001`)), true, host)
})

test('addresses of one peer that an operator wrote are put together', () => {
  const peers = parsePeerAddresses([
    `/ip4/127.0.0.1/tcp/1/p2p/${peerId}`,
    `/dns4/a.example/tcp/2/p2p/${other}`,
    `/ip4/127.0.0.1/tcp/3/p2p/${peerId}`
  ])
  assert.deepEqual(
    peers.map((peer) => [peer.peerId.toString(), peer.addresses.map(String)]),
    [
      [peerId.toString(), ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/3']],
      [other.toString(), ['/dns4/a.example/tcp/2']]
    ]
  )
})

test('what an operator wrote wrong is refused with what it was', () => {
  for (const text of ['nonsense', '/ip4/127.0.0.1/tcp/1']) {
    assert.throws(
      () => parsePeerAddresses([text]),
      (thrown) => codeIs('PEER_ADDRESS_INVALID')(thrown) && thrown instanceof Error && thrown.message.includes(text)
    )
  }
})

test('what an operator wrote is refused at once when it is longer than any address', () => {
  const text = `/ip4/127.0.0.1/tcp/1/p2p/Q${'m'.repeat(60_000)}`
  assert.throws(
    () => parsePeerAddresses([text]),
    (thrown) => codeIs('PEER_ADDRESS_INVALID')(thrown) && thrown instanceof Error && thrown.message.length < 100
  )
})
