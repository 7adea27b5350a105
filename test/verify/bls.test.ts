import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { blsAggregate, blsFastAggregateVerify, blsKeyPair, blsSign, blsVerify } from '../../src/verify/bls.ts'
import {
  portableBlsAggregate,
  portableBlsPublicKey,
  portableBlsSign,
  portableFastAggregateVerify,
  portableSecretKey
} from '../../src/verify/bls-portable.ts'
import { compress, malleated, outsidePoint, outsideTheGroup } from './bls-points.ts'

const message = new TextEncoder().encode('a hand-over')
const pairs = [1, 2, 3].map((fill) => blsKeyPair(new Uint8Array(32).fill(fill)))
const keys = pairs.map(({ publicKey }) => publicKey)
const signatures = pairs.map(({ secretKey }) => blsSign(secretKey, message))
const [pair, key, signature] = [pairs[0], keys[0], signatures[0]] as [(typeof pairs)[0], Uint8Array, Uint8Array]

/** Asks both libraries. */
function verdicts(publicKeys: readonly Uint8Array[], over: Uint8Array, aggregate: Uint8Array) {
  return {
    native: blsFastAggregateVerify(publicKeys, over, aggregate),
    portable: portableFastAggregateVerify(publicKeys, over, aggregate)
  }
}

const valid = { native: true, portable: true }
const refused = { native: false, portable: false }

describe('BLS', () => {
  test('signs as the vectors of the proof-of-possession suite say', () => {
    // ethereum/bls12-381-tests: sign_case_84d45c9c7cca6b92
    const secretKey = fromHex('328388aff0d4a5b7dc9205abd374e7e98f3cd9f3418edb4eafda5fb16473d216')
    const expected =
      'ae82747ddeefe4fd64cf9cedb9b04ae3e8a43420cd255e3c7cd06a8d88b7c7f8638543719981c5d16fa3527c468c25f0026704a6951bde891360c7e8d12ddee0559004ccdbe6046b55bae1b257ee97f7cdb955773d7cf29adf3ccbb9975e4eb9'
    const over = new Uint8Array(32).fill(0xab)
    assert.equal(toHex(blsSign(secretKey, over)), expected)
    assert.equal(toHex(portableBlsSign(secretKey, over)), expected)
  })

  test('gives the same keys, signatures and aggregates on both libraries', () => {
    for (const [index, { secretKey, publicKey }] of pairs.entries()) {
      assert.deepEqual(portableSecretKey(new Uint8Array(32).fill(index + 1)), secretKey)
      assert.deepEqual(new Uint8Array(portableBlsPublicKey(secretKey)), publicKey)
      assert.deepEqual(new Uint8Array(portableBlsSign(secretKey, message)), signatures[index])
    }
    assert.deepEqual(new Uint8Array(portableBlsAggregate(signatures)), blsAggregate(signatures))
    const long = new Uint8Array(40).fill(9)
    assert.deepEqual(portableSecretKey(long), blsKeyPair(long).secretKey)
  })

  test('verifies a signature by its key over its message, and nothing else', () => {
    assert.equal(blsVerify(key, message, signature), true)
    assert.deepEqual(verdicts([key], message, signature), valid)
    assert.deepEqual(verdicts([keys[1] as Uint8Array], message, signature), refused)
    assert.deepEqual(verdicts([key], new Uint8Array(1), signature), refused)
  })

  test('verifies an aggregate by exactly its signers', () => {
    const aggregate = blsAggregate(signatures)
    assert.deepEqual(verdicts(keys, message, aggregate), valid)
    assert.deepEqual(verdicts(keys.slice(1), message, aggregate), refused)
    assert.deepEqual(verdicts([...keys, key], message, aggregate), refused)
    assert.deepEqual(verdicts(keys, message, blsAggregate(signatures.slice(1))), refused)
    assert.deepEqual(verdicts([], message, aggregate), refused)
  })

  test('refuses what is at infinity: the key or the signature of nobody', () => {
    const [noKey, noSignature] = [new Uint8Array(48), new Uint8Array(96)]
    noKey[0] = 0xc0
    noSignature[0] = 0xc0
    assert.deepEqual(verdicts([noKey], message, noSignature), refused)
    assert.deepEqual(verdicts([key], message, noSignature), refused)
    assert.deepEqual(verdicts([key, noKey], message, signature), refused)
  })

  test('refuses keys that cancel each other', () => {
    const negated = bls12_381.G1.Point.fromBytes(key).negate().toBytes()
    const noSignature = new Uint8Array(96)
    noSignature[0] = 0xc0
    assert.deepEqual(verdicts([key, negated], message, noSignature), refused)
    assert.deepEqual(verdicts([key, negated], message, signature), refused)
    const opposite = bls12_381.longSignatures.Signature.toBytes(
      bls12_381.longSignatures.Signature.fromBytes(signature).negate()
    )
    assert.throws(() => blsAggregate([signature, opposite]), RangeError)
    assert.throws(() => portableBlsAggregate([signature, opposite]))
  })

  test('refuses points outside the group of prime order', () => {
    assert.deepEqual(verdicts([outsideTheGroup()], message, signature), refused)
    const outside = compress(outsidePoint())
    assert.deepEqual(compress(bls12_381.longSignatures.Signature.fromBytes(signature)), signature)
    assert.deepEqual(verdicts([key], message, outside), refused)
    const second = malleated(signature)
    assert.notDeepEqual(second, signature)
    assert.deepEqual(verdicts([key], message, second), refused, 'a second signature that anyone could make')
    for (const bad of [outside, second]) {
      assert.throws(() => blsAggregate([signature, bad]), RangeError)
      assert.throws(() => portableBlsAggregate([signature, bad]))
    }
  })

  test('refuses encodings that are malformed, uncompressed or of a wrong length', () => {
    const flags = (bytes: Uint8Array, mask: number) => bytes.with(0, (bytes[0] ?? 0) ^ mask)
    for (const mask of [0x80, 0x40, 0x20, 0xc0]) {
      assert.deepEqual(verdicts([flags(key, mask)], message, signature), refused, `key ^ ${mask}`)
      assert.deepEqual(verdicts([key], message, flags(signature, mask)), refused, `signature ^ ${mask}`)
    }
    const above = new Uint8Array(48).fill(0xff).with(0, 0x9f)
    assert.deepEqual(verdicts([above], message, signature), refused)
    for (const length of [0, 47, 49, 96]) {
      const cut = new Uint8Array(Buffer.concat([key, key]).subarray(0, length))
      assert.deepEqual(verdicts([cut], message, signature), refused, `a key of ${length}`)
    }
    for (const length of [0, 48, 95, 97, 192]) {
      const cut = new Uint8Array(Buffer.concat([signature, signature]).subarray(0, length))
      assert.deepEqual(verdicts([key], message, cut), refused, `a signature of ${length}`)
    }
    const uncompressed = new Uint8Array(bls12_381.G1.Point.fromBytes(key).toBytes(false))
    assert.deepEqual(verdicts([uncompressed], message, signature), refused)
  })

  test('refuses to aggregate nothing, and to make keys from too short a seed', () => {
    assert.throws(() => blsAggregate([]), RangeError)
    assert.throws(() => blsKeyPair(new Uint8Array(31)), RangeError)
    assert.equal(pair.secretKey.byteLength, 32)
  })
})
