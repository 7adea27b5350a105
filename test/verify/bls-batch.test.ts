import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import fc from 'fast-check'
import { fromHex } from '../../src/runtime/hex.ts'
import { blsAggregate, blsKeyPair, blsSign, blsVerifyEach } from '../../src/verify/bls.ts'
import { packBlsChecks, unpackBlsChecks } from '../../src/verify/bls-batch.ts'
import { portableFastAggregateVerify } from '../../src/verify/bls-portable.ts'
import type { BlsCheck } from '../../src/verify/bls-verifier.ts'
import { compress, malleated, outsidePoint } from './bls-points.ts'

const pairs = [1, 2, 3, 4].map((fill) => blsKeyPair(new Uint8Array(32).fill(fill)))

function checkBy(signers: readonly number[], message: Uint8Array): BlsCheck {
  const chosen = signers.map((index) => pairs[index] as (typeof pairs)[0])
  return {
    publicKeys: chosen.map(({ publicKey }) => publicKey),
    message,
    signature: blsAggregate(chosen.map(({ secretKey }) => blsSign(secretKey, message)))
  }
}

function portably(checks: readonly BlsCheck[]): boolean[] {
  return checks.map(({ publicKeys, message, signature }) => portableFastAggregateVerify(publicKeys, message, signature))
}

function assertVerdicts(checks: readonly BlsCheck[], verdicts: readonly boolean[]): void {
  assert.deepEqual(blsVerifyEach(checks), verdicts, 'together')
  assert.deepEqual(portably(checks), verdicts, 'in JavaScript')
}

const message = (fill: number) => new Uint8Array(40).fill(fill)
const [one, two, three] = [checkBy([0], message(1)), checkBy([1, 2], message(2)), checkBy([0, 1, 2, 3], message(3))]
const nobody = { key: new Uint8Array(48).with(0, 0xc0), signature: new Uint8Array(96).with(0, 0xc0) }

describe('a batch of BLS signatures', () => {
  test('is verified together where all are valid', () => {
    assertVerdicts([one, two, three], [true, true, true])
    assertVerdicts([one, one], [true, true])
    assertVerdicts([one], [true])
    assertVerdicts([], [])
  })

  test('gives each its own verdict where some are false', () => {
    const broken = { ...two, message: message(4) }
    assertVerdicts([one, broken, three], [true, false, true])
    assertVerdicts([broken, broken], [false, false])
  })

  test('gives each its own verdict where some are malformed, or of nobody', () => {
    const { publicKeys } = two
    const checks = [
      { ...two, publicKeys: [] },
      { ...two, publicKeys: [...publicKeys, nobody.key] },
      { ...two, publicKeys: [nobody.key] },
      { ...two, publicKeys: [nobody.key], signature: nobody.signature },
      { ...two, signature: nobody.signature },
      { ...two, signature: two.signature.subarray(1) },
      { ...two, publicKeys: publicKeys.map((key) => key.subarray(1)) },
      three
    ]
    assertVerdicts(checks, [false, false, false, false, false, false, false, true])
  })

  test('takes keys that cancel each other for nobody', () => {
    const [key] = one.publicKeys as [Uint8Array]
    const negated = bls12_381.G1.Point.fromBytes(key).negate().toBytes()
    assertVerdicts([{ ...one, publicKeys: [key, negated], signature: nobody.signature }, two], [false, true])
    assertVerdicts([{ ...one, publicKeys: [key, negated] }, two], [false, true])
  })

  test('refuses signatures outside the group of prime order', () => {
    const [second, outside] = [malleated(two.signature), compress(outsidePoint())]
    assertVerdicts([one, { ...two, signature: second }, three], [true, false, true])
    assertVerdicts([one, { ...two, signature: outside }, three], [true, false, true])
  })

  test('refuses false signatures that make up for each other', () => {
    const { Signature } = bls12_381.longSignatures
    const [first, second] = [one, two].map(({ signature }) => Signature.fromBytes(signature))
    assert.ok(first !== undefined && second !== undefined)
    const difference = Signature.fromBytes(three.signature)
    const checks = [
      { ...one, signature: Signature.toBytes(first.add(difference)) },
      { ...two, signature: Signature.toBytes(second.subtract(difference)) },
      three
    ]
    assertVerdicts(checks, [false, false, true])
    const swapped = [
      { ...one, signature: two.signature },
      { ...two, signature: one.signature }
    ]
    assertVerdicts(swapped, [false, false])
  })

  test('is judged as the published vectors of the suite say', () => {
    // ethereum/bls12-381-tests: batch_verify_valid_simple_signature_set; the same keys in all of them
    const keys = [
      'a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a',
      'b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81',
      'b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f'
    ].map(fromHex)
    const signatures = [
      'b6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55',
      'af1390c3c47acdb37131a51216da683c509fce0e954328a59f93aebda7e4ff974ba208d9a4a2a2389f892a9d418d618418dd7f7a6bc7aa0da999a9d3a5b815bc085e14fd001f6a1948768a3f4afefc8b8240dda329f984cb345c6363272ba4fe',
      'ae82747ddeefe4fd64cf9cedb9b04ae3e8a43420cd255e3c7cd06a8d88b7c7f8638543719981c5d16fa3527c468c25f0026704a6951bde891360c7e8d12ddee0559004ccdbe6046b55bae1b257ee97f7cdb955773d7cf29adf3ccbb9975e4eb9'
    ].map(fromHex)
    const over = (fill: number) => new Uint8Array(32).fill(fill)
    const single = [0x00, 0x56, 0xab].map((fill, index) => ({
      publicKeys: keys.slice(index, index + 1),
      message: over(fill),
      signature: signatures[index] as Uint8Array
    }))
    assertVerdicts(single, [true, true, true])

    // ethereum/consensus-spec-tests, fast_aggregate_verify: valid_652ce62f09290811, tampered_signature_652ce62f09290811, infinity_pubkey
    const aggregate =
      '912c3615f69575407db9392eb21fee18fff797eeb2fbe1816366ca2a08ae574d8824dbfafb4c9eaa1cf61b63c6f9b69911f269b664c42947dd1b53ef1081926c1e82bb2a465f927124b08391a5249036146d6f3f1e17ff5f162f779746d830d1'
    const ofAll =
      'afcb4d980f079265caa61aee3e26bf48bebc5dc3e7f2d7346834d76cbc812f636c937b6b44a9323d8bc4b1cdf71d6811035ddc2634017faab2845308f568f2b9a0356140727356eae9eded8b87fd8cb8024b440c57aee06076128bb32921f584'
    const valid = { publicKeys: keys.slice(0, 2), message: over(0x56), signature: fromHex(aggregate) }
    const tampered = { ...valid, signature: fromHex(`${aggregate.slice(0, -8)}ffffffff`) }
    const whole = { publicKeys: keys, message: over(0x12), signature: fromHex(ofAll) }
    const infinity = { ...whole, publicKeys: [...keys, nobody.key] }
    assertVerdicts([valid, tampered, whole, infinity], [true, false, true, false])
  })

  test('gets the verdicts of JavaScript, whatever is wrong in it', () => {
    const bit = fc.integer({ min: 0, max: 96 * 8 - 1 })
    const flip = (bytes: Uint8Array, at: number) => {
      const index = (at >> 3) % bytes.byteLength
      return bytes.with(index, (bytes[index] ?? 0) ^ (1 << (at & 7)))
    }
    const valid = fc
      .tuple(fc.subarray([0, 1, 2, 3], { minLength: 1 }), fc.integer({ min: 0, max: 3 }))
      .map(([signers, fill]) => checkBy(signers, message(fill)))
    const any = fc.oneof(
      { weight: 4, arbitrary: valid },
      fc.tuple(valid, bit).map(([check, at]) => ({ ...check, signature: flip(check.signature, at) })),
      fc.tuple(valid, bit).map(([check, at]) => ({ ...check, message: flip(check.message, at) })),
      fc.tuple(valid, bit).map(([check, at]) => ({
        ...check,
        publicKeys: check.publicKeys.map((key, index) => (index === 0 ? flip(key, at) : key))
      })),
      fc.tuple(valid, valid).map(([check, { signature }]) => ({ ...check, signature }))
    )
    fc.assert(
      fc.property(fc.array(any, { maxLength: 5 }), (checks) => {
        assert.deepEqual(blsVerifyEach(checks), portably(checks))
      }),
      { numRuns: 15 }
    )
  })

  test('comes out of its packed form as it went in', () => {
    const part = fc.uint8Array({ maxLength: 200 })
    const check = fc.record(
      { publicKeys: fc.array(part, { maxLength: 5 }), message: part, signature: part },
      { noNullPrototype: true }
    )
    fc.assert(
      fc.property(fc.array(check, { maxLength: 5 }), (checks) => {
        assert.deepEqual(unpackBlsChecks(packBlsChecks(checks)), checks)
      })
    )
  })
})
