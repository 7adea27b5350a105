import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { encode as varint } from 'uint8-varint'
import { boundPeerIds } from '../../src/peers/bound-peer-ids.ts'

/** An address of nothing but a peer id, as bytes. */
function peerIdOf(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.concat([varint(CODE_P2P), varint(bytes), new Uint8Array(bytes).fill(0xaa)]))
}

describe('bounded peer ids in addresses', () => {
  before(() => {
    boundPeerIds()
    boundPeerIds() // once more changes nothing
  })

  it('are refused when longer than any, in bytes and in text', () => {
    for (const bytes of [129, 8_000, 60_000]) assert.throws(() => multiaddr(peerIdOf(bytes)), RangeError)
    assert.throws(() => multiaddr(`/p2p/Q${'m'.repeat(60_000)}`).bytes, RangeError)
  })

  it('are read as before otherwise', async () => {
    assert.equal(multiaddr(peerIdOf(128)).bytes.byteLength, 128 + 4)
    for (const type of ['Ed25519', 'secp256k1', 'RSA'] as const) {
      const peerId = peerIdFromPrivateKey(await generateKeyPair(type as 'Ed25519'))
      for (const text of [peerId.toString(), peerId.toCID().toString()]) {
        const address = multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${text}`)
        assert.equal(multiaddr(address.bytes).toString(), `/ip4/127.0.0.1/tcp/1/p2p/${peerId}`)
      }
    }
  })
})
