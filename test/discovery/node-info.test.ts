import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { DiscoveryError, type DiscoveryErrorCode } from '../../src/discovery/discovery-error.ts'
import { MAX_SIGNED_NODE_INFO_BYTES, nodeInfoMessage } from '../../src/discovery/messages.ts'
import { type OpenRules, openNodeInfo, sealNodeInfo } from '../../src/discovery/node-info.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { makePeer, type TestPeer } from '../peers/make-peer.ts'
import { CHAIN, HOUR, NOW, rules, seal } from './make-info.ts'

const alice = await makePeer(1)
const bob = await makePeer(2)

async function refused(sealed: Uint8Array, code: DiscoveryErrorCode, rule: Partial<OpenRules> = {}): Promise<void> {
  await assert.rejects(openNodeInfo(sealed, await rules(rule)), (thrown) => {
    assert.ok(thrown instanceof DiscoveryError)
    assert.equal(thrown.code, code, thrown.message)
    return true
  })
}

/** An envelope by hand, whose payload says whatever it likes. */
async function envelope(signer: TestPeer, payload: Uint8Array, codec = '/soma-p2p/node-info/1'): Promise<Uint8Array> {
  const record = {
    domain: `soma-p2p/1/node-info/${toHex(CHAIN)}`,
    codec: new TextEncoder().encode(codec),
    marshal: () => payload,
    equals: () => false
  }
  return (await RecordEnvelope.seal(record, signer.privateKey)).marshal()
}

const contentOf = ({ peerId }: TestPeer) => ({
  peerId: peerId.toMultihash().bytes,
  addresses: ['/ip4/8.8.8.8/tcp/4001'],
  timestampMs: NOW,
  accessType: 1,
  capabilities: []
})

test('an info is opened as it was sealed', async () => {
  const addresses = [
    `/ip4/8.8.8.8/tcp/4001/p2p/${alice.peerId}`,
    '/dns4/node.example.org/tcp/4002',
    '/ip4/10.0.0.1/tcp/1'
  ]
  const capabilities = [{ protocol: 'fetch-commits', lowest: 5, highest: 0 }]
  const sealed = await seal(alice, { addresses, capabilities, accessType: 3 })
  const info = await openNodeInfo(sealed, await rules())
  assert.equal(info.peerId.toString(), alice.peerId.toString())
  assert.deepEqual(info.addresses.map(String), ['/ip4/8.8.8.8/tcp/4001', '/dns4/node.example.org/tcp/4002'])
  assert.equal(info.timestampMs, NOW)
  assert.equal(info.accessType, 'trusted')
  assert.deepEqual(info.capabilities, capabilities)
  assert.deepEqual(info.sealed, sealed)
})

test('what is kept shares no memory with what was received', async () => {
  const frame = new Uint8Array(100_000)
  const sealed = await seal(alice)
  frame.set(sealed, 500)
  const info = await openNodeInfo(frame.subarray(500, 500 + sealed.byteLength), await rules())
  frame.fill(0)
  assert.deepEqual(info.sealed, sealed)
  assert.ok(info.sealed.buffer.byteLength < 1_000)
  assert.equal(info.peerId.toString(), alice.peerId.toString())
})

test('an info over 12 KiB is refused', async () => {
  await refused(new Uint8Array(MAX_SIGNED_NODE_INFO_BYTES + 1), 'INFO_TOO_LONG')
})

test('what is no sealed node info is refused', async () => {
  await refused(new Uint8Array(0), 'INFO_UNPARSABLE')
  await refused(new Uint8Array(100).fill(0xff), 'INFO_UNPARSABLE')
  const payload = nodeInfoMessage.encode(contentOf(alice))
  await refused(await envelope(alice, payload, '/soma-p2p/other/1'), 'INFO_UNPARSABLE')
  await refused(await envelope(alice, Uint8Array.of(0xff)), 'INFO_UNPARSABLE')
  await refused(await seal(alice, { accessType: 4 }), 'INFO_UNPARSABLE')
  await openNodeInfo(await envelope(alice, payload), await rules())
})

test('an envelope to which a relayer has added is refused', async () => {
  const sealed = await seal(alice)
  await refused(Uint8Array.of(...sealed, 0x7a, 0x01, 0x00), 'INFO_UNPARSABLE') // an unknown field 15
})

test('only Ed25519 keys seal infos', async () => {
  const privateKey = await generateKeyPair('secp256k1')
  const peer = { privateKey, peerId: peerIdFromPrivateKey(privateKey) }
  await refused(await seal(peer), 'INFO_UNSUPPORTED_KEY')
})

test('an info sealed by another than its subject is refused', async () => {
  await refused(await envelope(bob, nodeInfoMessage.encode(contentOf(alice))), 'INFO_WRONG_SIGNER')
})

test('a peer’s own info that is another peer’s is refused, relayed it is taken', async () => {
  const sealed = await seal(alice)
  await refused(sealed, 'INFO_WRONG_SUBJECT', { from: bob.peerId })
  await openNodeInfo(sealed, await rules({ from: alice.peerId }))
  await openNodeInfo(sealed, await rules())
})

test('an info about ourselves is refused', async () => {
  await refused(await seal(alice), 'INFO_OWN', { self: alice.peerId })
})

test('a private info is taken from its subject only', async () => {
  const sealed = await seal(alice, { accessType: 2 })
  await refused(sealed, 'INFO_PRIVATE')
  assert.equal((await openNodeInfo(sealed, await rules({ from: alice.peerId }))).accessType, 'private')
})

test('30 s in the future pass, more do not', async () => {
  await openNodeInfo(await seal(alice, { timestampMs: NOW + 30_000 }), await rules())
  await refused(await seal(alice, { timestampMs: NOW + 30_001 }), 'INFO_FROM_FUTURE')
})

test('24 h of age pass, more do not', async () => {
  await openNodeInfo(await seal(alice, { timestampMs: NOW - 24 * HOUR }), await rules())
  await refused(await seal(alice, { timestampMs: NOW - 24 * HOUR - 1 }), 'INFO_TOO_OLD')
})

test('what is not newer than what is known is refused', async () => {
  const sealed = await seal(alice)
  const newest = (timestamp: number) => (peerId: string) => (peerId === alice.peerId.toString() ? timestamp : undefined)
  await refused(sealed, 'INFO_STALE', { newest: newest(NOW) })
  await refused(sealed, 'INFO_STALE', { newest: newest(NOW + 1) })
  await openNodeInfo(sealed, await rules({ newest: newest(NOW - 1) }))
})

test('one bad address spoils an info', async () => {
  await refused(await seal(alice, { addresses: ['/ip4/8.8.8.8/tcp/1', '/ip4/8.8.8.8/udp/1'] }), 'INFO_BAD_ADDRESS')
  await refused(await seal(alice, { addresses: [`/ip4/8.8.8.8/tcp/1/p2p/${bob.peerId}`] }), 'INFO_BAD_ADDRESS')
})

test('an info without an address that we may dial is refused', async () => {
  await refused(await seal(alice, { addresses: [] }), 'INFO_NO_ADDRESS')
  const loopback = await seal(alice, { addresses: ['/ip4/127.0.0.1/tcp/4001'] })
  await refused(loopback, 'INFO_NO_ADDRESS')
  const info = await openNodeInfo(loopback, await rules({ privateNetwork: true }))
  assert.deepEqual(info.addresses.map(String), ['/ip4/127.0.0.1/tcp/4001'])
})

test('an info whose content or signature was changed is refused', async () => {
  const sealed = await seal(alice)
  const signatureByte = sealed.byteLength - 1
  const flipped = sealed.slice()
  flipped[signatureByte] = (flipped[signatureByte] ?? 0) ^ 1
  await refused(flipped, 'INFO_BAD_SIGNATURE')

  const genuine = RecordEnvelope.createFromProtobuf(sealed)
  const payload = nodeInfoMessage.encode({ ...contentOf(alice), addresses: ['/ip4/6.6.6.6/tcp/6'] })
  const { publicKey, payloadType, signature } = genuine
  await refused(new RecordEnvelope({ publicKey, payloadType, signature, payload }).marshal(), 'INFO_BAD_SIGNATURE')
  await refused(
    new RecordEnvelope({ publicKey, payloadType, signature: new Uint8Array(3), payload: genuine.payload }).marshal(),
    'INFO_BAD_SIGNATURE'
  )
})

test('another peer’s info sealed again by oneself is refused', async () => {
  const genuine = RecordEnvelope.createFromProtobuf(await seal(alice))
  await refused(await envelope(bob, genuine.payload), 'INFO_WRONG_SIGNER')
  // the same, with the subject's key put in place of the signer's
  const forged = RecordEnvelope.createFromProtobuf(await envelope(bob, genuine.payload))
  forged.publicKey = genuine.publicKey
  assert.deepEqual(publicKeyToProtobuf(forged.publicKey), publicKeyToProtobuf(alice.privateKey.publicKey))
  await refused(forged.marshal(), 'INFO_BAD_SIGNATURE')
})

test('an info of another chain is refused', async () => {
  await refused(await seal(alice, {}, new Uint8Array(32).fill(8)), 'INFO_BAD_SIGNATURE')
})

test('sealing refuses what no info can hold', async () => {
  const content = {
    addresses: Array<string>(9).fill('/ip4/8.8.8.8/tcp/1'),
    timestampMs: NOW,
    accessType: 1,
    capabilities: []
  }
  await assert.rejects(sealNodeInfo(content, alice.privateKey, CHAIN), RangeError)
})

test('the digest of an info stays when it is renewed, and changes with what matters', async () => {
  const digest = async (content: Parameters<typeof seal>[1]) =>
    toHex((await openNodeInfo(await seal(alice, content), await rules({ now: NOW + 2 * HOUR }))).digest)
  const start = Math.floor(NOW / HOUR) * HOUR
  const base = await digest({ timestampMs: start })
  assert.equal(await digest({ timestampMs: start + HOUR - 1 }), base)
  assert.equal(await digest({ timestampMs: start, capabilities: [{ protocol: 'x', lowest: 1, highest: 2 }] }), base)
  assert.notEqual(await digest({ timestampMs: start + HOUR }), base)
  assert.notEqual(await digest({ timestampMs: start, addresses: ['/ip4/9.9.9.9/tcp/4001'] }), base)
  assert.notEqual(await digest({ timestampMs: start, accessType: 3 }), base)
})
