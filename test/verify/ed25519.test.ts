import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { nativeSodium } from '../../src/runtime/native-sodium.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '../../src/verify/ed25519.ts'
import { portablePublicKey, portableSign, portableVerify } from '../../src/verify/ed25519-portable.ts'

const { Point } = ed25519
type EdPoint = InstanceType<typeof Point>
const ORDER = Point.Fn.ORDER
const FIELD = 2n ** 255n - 19n
const message = new TextEncoder().encode('one rule everywhere')

/** Asks both libraries. */
function verdicts(publicKey: Uint8Array, signature: Uint8Array, over: Uint8Array = message) {
  return {
    native: ed25519Verify(publicKey, over, signature),
    portable: portableVerify(publicKey, over, signature)
  }
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function challenge(commitment: Uint8Array, key: Uint8Array): bigint {
  return BigInt(`0x${toHex(sha512(join(commitment, key, message)).reverse())}`) % ORDER
}

/** A point of order 8: what is left of a point of unknown order when the prime order is taken out. */
function torsionPoint(): EdPoint {
  for (let y = 2n; ; y++) {
    const point = decode(littleEndian(y))
    const rest = point?.multiplyUnsafe(ORDER - 1n).add(point)
    if (rest !== undefined && !rest.double().double().is0()) return rest
  }
}

function decode(bytes: Uint8Array): EdPoint | undefined {
  try {
    return Point.fromBytes(bytes, true)
  } catch {
    return undefined
  }
}

const torsion = torsionPoint()
const secret = 0x1234_5678_9abc_def0_1234_5678_9abc_def0n
const honestKey = Point.BASE.multiplyUnsafe(secret)

/**
 * Signs with a key and a commitment that have a component of small order, at will, so that the equation holds up to that component.
 *
 * @param wanted whether the challenge may be so that the key's component vanishes in the equation
 */
function craft(options: { key?: EdPoint; commitmentTorsion?: EdPoint; wanted?: (challenge: bigint) => boolean } = {}) {
  const { key = honestKey, commitmentTorsion = Point.ZERO, wanted = () => true } = options
  const keyBytes = key.toBytes()
  for (let nonce = 1_000_003n; ; nonce++) {
    const commitment = Point.BASE.multiplyUnsafe(nonce).add(commitmentTorsion).toBytes()
    const k = challenge(commitment, keyBytes)
    if (!wanted(k)) continue
    return { publicKey: keyBytes, signature: join(commitment, littleEndian((nonce + k * secret) % ORDER)) }
  }
}

/** Every encoding of the eight points of small order, canonical or not, with either sign. */
function smallOrderEncodings(): Uint8Array[] {
  const found = new Map<string, Uint8Array>()
  for (let multiple = 0n; multiple < 8n; multiple++) {
    const { y } = torsion.multiplyUnsafe(multiple).toAffine()
    for (const encoded of [y, y + FIELD]) {
      if (encoded >= 2n ** 255n) continue
      for (const sign of [0, 0x80]) {
        const bytes = littleEndian(encoded)
        bytes[31] = (bytes[31] ?? 0) | sign
        found.set(toHex(bytes), bytes)
      }
    }
  }
  return [...found.values()]
}

describe('Ed25519', () => {
  // RFC 8032, section 7.1, tests 1 to 3
  const vectors = [
    {
      seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'
    },
    {
      seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
    },
    {
      seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      message: 'af82',
      signature:
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
    }
  ]
  for (const [index, vector] of vectors.entries()) {
    test(`makes the keys and signatures of RFC 8032, test ${index + 1}, on both libraries`, () => {
      const [seed, key, over] = [fromHex(vector.seed), fromHex(vector.key), fromHex(vector.message)]
      assert.equal(toHex(ed25519PublicKey(seed)), vector.key)
      assert.equal(toHex(portablePublicKey(seed)), vector.key)
      assert.equal(toHex(ed25519Sign(seed, over)), vector.signature)
      assert.equal(toHex(portableSign(seed, over)), vector.signature)
      assert.deepEqual(verdicts(key, fromHex(vector.signature), over), { native: true, portable: true })
    })
  }

  test('native code is at hand, so that this file compares two libraries', (context) => {
    if (process.env.SOMA_P2P_NO_NATIVE === '1') context.skip('switched off')
    else assert.notEqual(nativeSodium, undefined)
  })
})

describe('both libraries refuse', () => {
  const honest = craft()
  const refused = { native: false, portable: false }

  test('nothing of the signature that the cases below are made from', () => {
    assert.deepEqual(verdicts(honest.publicKey, honest.signature), { native: true, portable: true })
  })

  test('a response not below the order of the group', () => {
    const [commitment, response] = [honest.signature.subarray(0, 32), honest.signature.subarray(32)]
    const value = BigInt(`0x${toHex(response.toReversed())}`)
    for (let multiple = 1n; value + multiple * ORDER < 2n ** 256n; multiple++) {
      const same = join(commitment, littleEndian(value + multiple * ORDER))
      assert.deepEqual(verdicts(honest.publicKey, same), refused, `+ ${multiple} L`)
    }
  })

  test('a commitment with a component of small order, which an equation with cofactor would let pass', () => {
    for (let multiple = 1n; multiple < 8n; multiple++) {
      const { publicKey, signature } = craft({ commitmentTorsion: torsion.multiplyUnsafe(multiple) })
      assert.equal(ed25519.verify(signature, message, publicKey, { zip215: false }), true, 'noble alone would not do')
      assert.deepEqual(verdicts(publicKey, signature), refused, `${multiple} T`)
    }
  })

  test('a key with a component of small order, but where it vanishes in the equation', () => {
    for (let multiple = 1n; multiple < 8n; multiple++) {
      const key = honestKey.add(torsion.multiplyUnsafe(multiple))
      const remains = craft({ key, wanted: (k) => (k * multiple) % 8n !== 0n })
      assert.deepEqual(verdicts(remains.publicKey, remains.signature), refused, `${multiple} T remains`)
      const vanishes = craft({ key, wanted: (k) => (k * multiple) % 8n === 0n })
      assert.deepEqual(verdicts(vanishes.publicKey, vanishes.signature), { native: true, portable: true })
    }
  })

  test('every encoding of a key of small order, even where the equation holds', () => {
    for (const publicKey of smallOrderEncodings()) {
      for (let nonce = 3n; nonce < 7n; nonce++) {
        const commitment = Point.BASE.multiplyUnsafe(nonce).toBytes()
        const signature = join(commitment, littleEndian(nonce)) // holds where the challenge is a multiple of the key's order
        assert.deepEqual(verdicts(publicKey, signature), refused, toHex(publicKey))
      }
    }
    assert.ok(smallOrderEncodings().length >= 14, 'as many as libsodium lists')
  })

  test('every encoding of a commitment of small order, even where the equation holds', () => {
    const publicKey = honestKey.toBytes()
    for (const commitment of smallOrderEncodings()) {
      const response = littleEndian((challenge(commitment, publicKey) * secret) % ORDER) // holds for the neutral element
      assert.deepEqual(verdicts(publicKey, join(commitment, response)), refused, toHex(commitment))
    }
  })

  test('encodings of coordinates above the field', () => {
    for (let over = 0n; over < 19n; over++) {
      for (const sign of [0, 0x80]) {
        const bytes = littleEndian(FIELD + over)
        bytes[31] = (bytes[31] ?? 0) | sign
        assert.deepEqual(verdicts(bytes, honest.signature), refused, `key p + ${over}`)
        const signature = join(bytes, honest.signature.subarray(32))
        assert.deepEqual(verdicts(honest.publicKey, signature), refused, `commitment p + ${over}`)
      }
    }
  })

  test('keys and signatures of a wrong length', () => {
    const { publicKey, signature } = honest
    for (const length of [0, 1, 31, 33, 64]) {
      const key = join(publicKey, publicKey, publicKey).subarray(0, length)
      assert.deepEqual(verdicts(key, signature), refused, `a key of ${length}`)
    }
    for (const length of [0, 32, 63, 65, 128]) {
      const cut = join(signature, signature).subarray(0, length)
      assert.deepEqual(verdicts(publicKey, cut), refused, `a signature of ${length}`)
    }
  })
})

test('both libraries agree on random keys, messages and signatures, as made and with one bit wrong', () => {
  const seed = 20_261
  const random = seededRandom(seed)
  const randomBytes = (length: number) => Uint8Array.from({ length }, () => randomInteger(random, 256))
  for (let round = 0; round < 60; round++) {
    const [keySeed, over] = [randomBytes(32), randomBytes(randomInteger(random, 300))]
    const publicKey = ed25519PublicKey(keySeed)
    const signature = ed25519Sign(keySeed, over)
    assert.deepEqual(portableSign(keySeed, over), signature)
    assert.deepEqual(verdicts(publicKey, signature, over), { native: true, portable: true }, `seed ${seed}`)
    const parts = [publicKey, signature, over].filter((part) => part.byteLength > 0)
    const broken = parts[randomInteger(random, parts.length)] as Uint8Array
    const at = randomInteger(random, broken.byteLength)
    broken[at] = (broken[at] ?? 0) ^ (1 << randomInteger(random, 8))
    const { native, portable } = verdicts(publicKey, signature, over)
    assert.equal(native, portable, `seed ${seed}, round ${round}`)
    assert.equal(native, false)
    const noise = verdicts(randomBytes(32), randomBytes(64), over)
    assert.equal(noise.native, noise.portable, `seed ${seed}, round ${round}`)
  }
})
