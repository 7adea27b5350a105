import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { committeePeers } from '../../src/discovery/committee-peers.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'

test('validators are peers by their network keys, with the addresses that can be dialled, if any', () => {
  const keys = [0, 1, 2, 3].map((index) => deriveValidatorKeys(1, index))
  const addresses = [
    ['/ip4/8.8.8.8/tcp/1', '/ip4/8.8.8.8/udp/1', 'nonsense', '/dns4/v.example/tcp/2'],
    [],
    ['/ip4/127.0.0.1/tcp/3'],
    ['nonsense']
  ]
  const { genesis } = buildGenesis({
    validators: keys.map((key, index) => ({ keys: key, addresses: addresses[index] ?? [] })),
    startTimeMs: 0
  })
  const found = committeePeers(genesis.committee).map((peer) => [peer.peerId.toString(), peer.addresses.map(String)])
  const idOf = (index: number) => {
    const networkSeed = keys[index]?.networkSeed ?? new Uint8Array(32)
    return peerIdFromPublicKey(publicKeyFromRaw(ed25519PublicKey(networkSeed))).toString()
  }
  assert.deepEqual(
    new Map(found as [string, string[]][]),
    new Map([
      [idOf(0), ['/ip4/8.8.8.8/tcp/1', '/dns4/v.example/tcp/2']],
      [idOf(1), []],
      [idOf(2), ['/ip4/127.0.0.1/tcp/3']],
      [idOf(3), []]
    ])
  )
})
