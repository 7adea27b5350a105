import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { subnetOf } from '../../src/peers/index.ts'

const subnet = (host: string) => subnetOf(multiaddr(`${host}/tcp/1`))

test('public IPv4 addresses are grouped by /24', () => {
  assert.equal(subnet('/ip4/8.8.4.1'), subnet('/ip4/8.8.4.255'))
  assert.notEqual(subnet('/ip4/8.8.4.1'), subnet('/ip4/8.8.5.1'))
  assert.equal(subnet('/ip4/8.8.4.1'), '8.8.4.0/24')
})

test('public IPv6 addresses are grouped by /48, however they are written', () => {
  assert.equal(subnet('/ip6/2a00:1450:4001:800::1'), '2a00:1450:4001::/48')
  assert.equal(subnet('/ip6/2a00:1450:4001:ffff:1:2:3:4'), '2a00:1450:4001::/48')
  assert.equal(subnet('/ip6/2A00:1450:4002:0:0:0:0:1'), '2a00:1450:4002::/48')
  assert.equal(subnet('/ip6/2a00:1450::1'), '2a00:1450:0::/48')
  assert.equal(subnet('/ip6/2a00::1'), '2a00:0:0::/48')
})

test('an IPv4 address within an IPv6 one is the IPv4 address', () => {
  assert.equal(subnet('/ip6/::ffff:808:401'), '8.8.4.0/24')
  assert.equal(subnet('/ip6/::ffff:8.8.4.1'), '8.8.4.0/24')
  assert.equal(subnet('/ip6/64:ff9b::808:401'), '8.8.4.0/24', 'behind NAT64')
  assert.equal(subnet('/ip6/2002:808:401::1'), '8.8.4.0/24', 'by 6to4')
  assert.equal(subnet('/ip6/::ffff:7f00:1'), undefined)
})

test('names are grouped by their last two labels', () => {
  for (const name of ['example.com', 'a.example.com', 'B.A.Example.COM']) {
    assert.equal(subnet(`/dns4/${name}`), 'example.com')
  }
  assert.equal(subnet('/dns/node.example.com'), subnet('/dns6/other.example.com'))
  assert.equal(subnet('/dns/8.8.4.1'), '8.8.4.0/24', 'an address dressed up as a name is an address')
})

test('private networks and the machine itself count for none', () => {
  const hosts = [
    '/ip4/127.0.0.1',
    '/ip4/10.0.0.1',
    '/ip4/192.168.1.1',
    '/ip4/100.64.0.1',
    '/ip6/::1',
    '/ip6/fd00::1',
    '/ip6/fe80::1'
  ]
  for (const host of hosts) assert.equal(subnet(host), undefined, host)
  for (const name of ['localhost', 'node-1', 'a.svc.cluster.local', 'A.B.Internal']) {
    assert.equal(subnet(`/dns/${name}`), undefined, name)
  }
  assert.equal(subnetOf(multiaddr('/unix/%2ftmp%2fsocket')), undefined)
})
