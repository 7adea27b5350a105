import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { readAllowlist } from '../../src/peers/allowlist.ts'
import { Handshakes, type HandshakesInit } from '../../src/peers/handshakes.ts'
import { subnetOf } from '../../src/peers/subnet.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeer } from './make-peer.ts'
import { ManualClock } from './manual-clock.ts'

/** A connection from a host, as far as it is looked at. */
function from(host: string): MultiaddrConnection {
  const connection = Object.assign(new EventTarget(), { remoteAddr: multiaddr(`/ip4/${host}/tcp/4001`) })
  return connection as unknown as MultiaddrConnection
}

const isOver = (connection: MultiaddrConnection) => connection.dispatchEvent(new Event('close'))

function make(init: Partial<HandshakesInit> = {}) {
  const clock = new ManualClock()
  const handshakes = new Handshakes({
    most: 3,
    perSecond: Number.POSITIVE_INFINITY,
    isTrustedHost: () => false,
    subnetOf,
    clock,
    random: seededRandom(1),
    ...init
  })
  return { clock, handshakes }
}

suite('handshakes under way', () => {
  test('give way to others, the oldest of the subnet that has most of them first', () => {
    const { handshakes } = make()
    const [lone, first, second, newcomer] = ['8.8.8.8', '9.9.9.1', '9.9.9.2', '1.1.1.1'].map(from)
    assert.ok(lone && first && second && newcomer)
    for (const connection of [lone, first, second]) assert.equal(handshakes.begin(connection), undefined)
    assert.deepEqual(handshakes.begin(newcomer), { connection: first, reason: 'handshake' })
  })

  test('give way to nobody once they are over, well or badly', () => {
    const { handshakes } = make({ most: 2 })
    const [good, bad] = [from('8.8.8.8'), from('9.9.9.9')]
    for (let round = 0; round < 10; round++) {
      assert.equal(handshakes.begin(good), undefined)
      assert.equal(handshakes.begin(bad), undefined)
      handshakes.end(good)
      isOver(bad)
    }
  })

  test('of hosts that are trusted give way to none, nor do newcomers', () => {
    const trusted = '8.8.8.8'
    const { handshakes } = make({ most: 2, isTrustedHost: (host) => host === trusted })
    assert.equal(handshakes.begin(from(trusted)), undefined)
    assert.equal(handshakes.begin(from(trusted)), undefined)
    const newcomer = from('9.9.9.9')
    assert.equal(handshakes.begin(newcomer), undefined)
    assert.equal(handshakes.begin(from('1.1.1.1'))?.connection, newcomer)
  })

  test('are begun by one host so often a second, by a trusted one as often as it likes', () => {
    const { handshakes, clock } = make({ most: 100, perSecond: 2, isTrustedHost: (host) => host === '8.8.8.8' })
    const refusals = (host: string) => handshakes.begin(from(host))?.reason
    assert.deepEqual(
      [1, 2, 3].map(() => refusals('9.9.9.9')),
      [undefined, undefined, 'rate']
    )
    assert.equal(refusals('9.9.9.8'), undefined)
    clock.advance(500)
    assert.deepEqual(
      [1, 2].map(() => refusals('9.9.9.9')),
      [undefined, 'rate']
    )
    for (let count = 0; count < 50; count++) assert.equal(refusals('8.8.8.8'), undefined)
  })

  test('have at least one place, and may be begun', () => {
    assert.throws(() => make({ most: 0 }), RangeError)
    assert.throws(() => make({ perSecond: 0 }), RangeError)
  })
})

test('an allowlist names peers, and hosts where there is an IP address', async () => {
  const [a, b, c] = await Promise.all([1, 2, 3].map((index) => makePeer(index)))
  assert.ok(a && b && c)
  const list = readAllowlist([
    `${a.peerId}`,
    `/ip4/192.0.2.7/tcp/9000/p2p/${b.peerId}`,
    `/dns4/example.com/tcp/9000/p2p/${c.peerId}`
  ])
  assert.deepEqual([...list.peerIds].sort(), [a, b, c].map(({ peerId }) => peerId.toString()).sort())
  assert.deepEqual([...list.hosts], ['192.0.2.7'])
})
