import assert from 'node:assert/strict'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { dialableAddress, isPublic, parseAddress, parsePeerAddresses } from '../../../src/discovery/addresses.ts'
import { cleanAnswer } from '../../../src/discovery/dht/clean-answer.ts'
import { type KadMessage, kadMessage } from '../../../src/discovery/dht/kad-message.ts'
import { DiscoveryError } from '../../../src/discovery/discovery-error.ts'
import { decodePrefixes, encodePrefixes } from '../../../src/discovery/known-prefixes.ts'
import { openNodeInfo } from '../../../src/discovery/node-info.ts'
import { boundPeerIds } from '../../../src/peers/bound-peer-ids.ts'
import { subnetOf } from '../../../src/peers/subnet.ts'
import { RpcError } from '../../../src/rpc/rpc-error.ts'
import { fromHex, toHex } from '../../../src/runtime/hex.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { WireError } from '../../../src/runtime/wire-error.ts'
import { HOUR, NOW, rules, seal } from '../../discovery/make-info.ts'
import { makePeers, type TestPeer } from '../../peers/make-peer.ts'
import { decoderTarget, outcomeOf } from '../decoder-target.ts'
import { type FuzzTarget, simpleTarget } from '../fuzz-target.ts'
import { vectorBytes } from '../vectors.ts'
import { join, varint } from '../wire-fields.ts'

const SUBJECT = '12D3KooWJFZgUEP6afn3hQF2TeXKefMUxNFuMhwecESSVRVifgjk'
/** Most peers that an answer of the DHT is taken for. */
const MAX_PEERS = 20

/** What discovery takes from peers, and from the operator. */
export async function discoveryTargets(): Promise<FuzzTarget[]> {
  const peers = await makePeers(3)
  boundPeerIds()
  return [addresses(), addressBytes(), peerAddresses(), await nodeInfos(peers), prefixes(), kadAnswers(peers)]
}

const ADDRESSES = [
  '/ip4/8.8.8.8/tcp/4001',
  `/ip4/127.0.0.1/tcp/9000/p2p/${SUBJECT}`,
  '/ip6/2606:4700::1111/tcp/443',
  '/ip6/::ffff:8.8.8.8/tcp/1',
  '/ip6/2002:808:808::1/tcp/65535',
  '/ip6zone/eth0/ip6/fe80::1/tcp/1',
  '/dns4/node-1.example/tcp/9000',
  '/dns/localhost/tcp/1',
  `/dns6/a.b.c/tcp/443/tls/ws/p2p/${SUBJECT}/p2p-circuit`,
  '/unix/socket',
  '/ip4/1.2.3.4/udp/1/quic-v1/webtransport'
]

function addresses(): FuzzTarget {
  const subject = peerIdFromString(SUBJECT)
  return decoderTarget({
    name: 'discovery/address',
    shape: 'text',
    weight: 2,
    seeds: ADDRESSES.map((text) => new Uint8Array(Buffer.from(text))),
    refusals: [DiscoveryError],
    decode: (input) => parseAddress(Buffer.from(input).toString('utf8'), subject),
    check(address) {
      const [host, port, ...more] = address.getComponents()
      assert.match(host?.name ?? '', /^(ip4|ip6|dns|dns4|dns6)$/)
      assert.equal(port?.name, 'tcp')
      assert.deepEqual(more, [])
      isPublic(address)
      subnetOf(address)
      assert.ok(
        dialableAddress(address, subject, true)?.equals(address),
        'an address that is not dialled when told again'
      )
    }
  })
}

/** As identify and the DHT hand them over: whatever they are, they cost about nothing. */
function addressBytes(): FuzzTarget {
  const subject = peerIdFromString(SUBJECT)
  const longPeerId = join([varint(CODE_P2P), varint(60_000), new Uint8Array(60_000).fill(0xaa)])
  return decoderTarget({
    name: 'discovery/address-bytes',
    shape: 'bytes',
    weight: 2,
    seeds: [...ADDRESSES.map((text) => multiaddr(text).bytes), longPeerId],
    refusals: [Error], // the library throws errors of many kinds, and whoever calls it expects so
    decode: (input) => multiaddr(input),
    check(address) {
      const dialable = dialableAddress(address, subject, false)
      assert.ok(dialable === undefined || isPublic(dialable))
    }
  })
}

/** A line each, as an operator names seeds. */
function peerAddresses(): FuzzTarget {
  return decoderTarget({
    name: 'discovery/peer-addresses',
    shape: 'text',
    seeds: [ADDRESSES.map((text) => `${text}/p2p/${SUBJECT}`).join('\n'), `/p2p/Q${'m'.repeat(60_000)}`].map(
      (text) => new Uint8Array(Buffer.from(text))
    ),
    refusals: [DiscoveryError],
    decode: (input) => parsePeerAddresses(Buffer.from(input).toString('utf8').split('\n')),
    check(peers) {
      for (const { addresses } of peers) for (const address of addresses) subnetOf(address)
    }
  })
}

/** Nobody has the keys: what opens is an info that was sealed, byte for byte. */
async function nodeInfos(peers: readonly TestPeer[]): Promise<FuzzTarget> {
  const capabilities = [{ protocol: 'fetch-commits', lowest: 1, highest: 9 }]
  const infos = await Promise.all([
    ...peers.map((peer, index) => seal(peer, { timestampMs: NOW - index * HOUR, capabilities })),
    ...peers.map((peer) => seal(peer, { addresses: ['/ip4/10.0.0.1/tcp/1', '/dns4/a.example/tcp/2'] })),
    ...peers.map((peer) => seal(peer, { accessType: 9, addresses: ['/ip4/8.8.8.8/udp/1'] }))
  ])
  const known = new Set(infos.map(toHex))
  const rule = await rules()
  return simpleTarget({
    name: 'discovery/node-info',
    shape: 'protobuf',
    weight: 1,
    seeds: [...infos, ...vectorBytes('node-info', 'envelope')],
    async run(input) {
      try {
        const { sealed } = await openNodeInfo(input, rule)
        assert.notEqual(sealed.buffer, input.buffer)
      } catch (thrown) {
        if (thrown instanceof DiscoveryError) return outcomeOf(thrown)
        throw thrown
      }
      assert.ok(known.has(toHex(input)), 'an info opens that nobody has sealed')
      return 'genuine'
    }
  })
}

function prefixes(): FuzzTarget {
  return decoderTarget({
    name: 'discovery/prefixes',
    shape: 'bytes',
    seeds: [new Uint8Array(0), fromHex('00112233445566778899aabbccddeeff'), new Uint8Array(16_000)],
    refusals: [RpcError],
    decode: decodePrefixes,
    check(found, input) {
      assert.ok(found.size * 8 <= input.byteLength)
      const digests = Array.from({ length: input.byteLength / 8 }, (_, at) => input.subarray(at * 8, at * 8 + 32))
      const whole = digests.filter(({ byteLength }) => byteLength === 32)
      const again = decodePrefixes(encodePrefixes(whole, whole.length, systemRandom))
      assert.ok([...again].every((prefix) => found.has(prefix)))
    }
  })
}

/** What is handed to kad-dht names a bounded number of peers, each with addresses that may be dialled. */
function kadAnswers(peers: readonly TestPeer[]): FuzzTarget {
  const answer = (changes: Partial<KadMessage>): Uint8Array =>
    kadMessage.encode({ type: 4, key: undefined, closer: [], providers: [], ...changes })
  const named = peers.map(({ peerId }) => ({
    id: peerId.toMultihash().bytes,
    addresses: [fromHex('0408080808060fa1'), fromHex('047f000001062328')]
  }))
  const dialable = (subject: TestPeer['peerId'], claimed: Iterable<Multiaddr>) =>
    [...claimed].flatMap((address) => dialableAddress(address, subject, false) ?? [])
  return decoderTarget({
    name: 'discovery/kad-answer',
    shape: 'protobuf',
    weight: 1,
    seeds: [answer({}), answer({ closer: named }), answer({ type: 3, key: new Uint8Array(34), providers: named })],
    refusals: [WireError],
    decode: (input) => cleanAnswer(input, { dialable, isUnwanted: () => false }),
    check({ frame, closer, providers }) {
      assert.ok(closer.length <= MAX_PEERS && providers.length <= MAX_PEERS)
      const passed = kadMessage.decode(frame)
      assert.equal(passed.closer.length, closer.length)
      assert.deepEqual(passed.providers, [])
      for (const { addresses } of [...closer, ...providers])
        assert.ok(addresses.length > 0 && addresses.every(isPublic))
    }
  })
}
