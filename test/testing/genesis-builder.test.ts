import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { decodeGenesis } from '../../src/consensus/genesis.ts'
import { NO_CHAIN } from '../../src/consensus/intent.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import {
  deriveValidatorKeys,
  generateValidatorKeys,
  networkPrivateKey,
  type ValidatorKeys
} from '../../src/testing/validator-keys.ts'
import { blsKeyPair } from '../../src/verify/bls.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { verifyProofOfPossession } from '../../src/verify/proof-of-possession.ts'

const validators = [5, 1, 1, 3].map((stake, index) => ({
  keys: deriveValidatorKeys(1, index),
  stake,
  addresses: [`/ip4/127.0.0.1/tcp/${4000 + index}`]
}))

test('each validator has its own keys, power, addresses and proof at its index in the committee', async () => {
  const { genesis, keys } = buildGenesis({ validators, startTimeMs: 7 })
  assert.equal(keys.length, 4)
  for (const [index, member] of genesis.committee.validators.entries()) {
    const own = keys[index] as ValidatorKeys
    const given = validators.find((validator) => validator.keys === own)
    assert.ok(given)
    assert.equal(toHex(member.authorityKey), toHex(blsKeyPair(own.authoritySeed).publicKey))
    assert.equal(toHex(member.protocolKey), toHex(ed25519PublicKey(own.protocolSeed)))
    assert.equal(member.votingPower, given.stake * 1_000)
    assert.deepEqual(member.addresses, given.addresses)
    assert.ok(verifyProofOfPossession(member, NO_CHAIN), `proof of validator ${index}`)
    const networkKey = await networkPrivateKey(own)
    assert.equal(toHex(member.networkKey), toHex(networkKey.publicKey.raw))
    assert.equal(peerIdFromPrivateKey(networkKey).type, 'Ed25519')
  }
})

test('the genesis is the same in whatever order the validators are given, and reads back', () => {
  const one = buildGenesis({ validators: validators.map(({ keys }) => ({ keys })).slice(1), startTimeMs: 7 })
  const other = buildGenesis({
    validators: validators
      .map(({ keys }) => ({ keys }))
      .slice(1)
      .reverse(),
    startTimeMs: 7
  })
  assert.equal(toHex(one.genesis.bytes), toHex(other.genesis.bytes)) // three equal stakes leave one of the 10,000 over
  assert.deepEqual(one.keys, other.keys)
  assert.deepEqual(decodeGenesis(one.genesis.bytes), one.genesis)
  assert.equal(one.genesis.startTimeMs, 7)
})

test('the state hash is part of the chain id', () => {
  const zeros = buildGenesis({ validators, startTimeMs: 7 })
  const ones = buildGenesis({ validators, startTimeMs: 7, stateHash: new Uint8Array(32).fill(1) })
  assert.notEqual(toHex(zeros.genesis.chainId), toHex(ones.genesis.chainId))
})

test('keys that come twice, no validators and bad stakes are refused', () => {
  const [first, second] = validators as [(typeof validators)[0], (typeof validators)[0]]
  for (const bad of [[], [first, first], [first, { ...second, stake: 0 }], [first, { ...second, stake: 1e9 }]]) {
    assert.throws(() => buildGenesis({ validators: bad, startTimeMs: 7 }), { code: 'COMMITTEE_INVALID' })
  }
})

test('derived keys repeat and differ by seed, index and purpose; generated ones never repeat', () => {
  const sets = [
    deriveValidatorKeys(1, 0),
    deriveValidatorKeys(1, 1),
    deriveValidatorKeys(2, 0),
    generateValidatorKeys()
  ]
  const seeds = [...sets, generateValidatorKeys()].flatMap((keys) => Object.values<Uint8Array>({ ...keys }))
  assert.deepEqual(deriveValidatorKeys(1, 0), sets[0])
  assert.equal(seeds.length, 15)
  assert.ok(seeds.every((seed) => seed.byteLength === 32))
  assert.equal(new Set(seeds.map(toHex)).size, 15)
})
