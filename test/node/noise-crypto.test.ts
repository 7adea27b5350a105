import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { type ICryptoInterface, noise, pureJsCrypto } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import fc from 'fast-check'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { corkWrites } from '../../src/node/corked-writes.ts'
import { nativeNoiseCrypto } from '../../src/node/noise-crypto.ts'
import { sparingWindowUpdates } from '../../src/node/sparing-window-updates.ts'
import { FrameStream } from '../../src/rpc/frame-stream.ts'
import { YAMUX_STREAM_OPTIONS } from '../../src/rpc/yamux-stream-options.ts'
import { quietLogger } from '../peers/start-node.ts'
import { propertyOptions } from '../runtime/property-options.ts'

assert.ok(nativeNoiseCrypto !== undefined, 'this platform has no native code to compare')
const native: ICryptoInterface = nativeNoiseCrypto

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const key = bytesOf(32)
const nonce = bytesOf(12)
const text = fc.oneof(
  fc.uint8Array(),
  fc.constantFrom(1_200, 5_000, 65_519).map((length) => new Uint8Array(randomBytes(length)))
)

/** What noise takes: lists of an older version of their package, the same to whoever uses them. */
type Bytes = Parameters<ICryptoInterface['hashSHA256']>[0]

/** The same bytes, cut into parts. */
function cut(bytes: Uint8Array, at: readonly number[]): Bytes {
  const places = [0, ...at.map((place) => place % (bytes.byteLength + 1)).sort((a, b) => a - b), bytes.byteLength]
  const parts = places.slice(1).map((end, index) => bytes.slice(places[index], end))
  return new Uint8ArrayList(...parts) as unknown as Bytes
}

describe('the native primitives of noise', () => {
  it('agree with those in JavaScript, however the input is cut', () => {
    fc.assert(
      fc.property(
        text,
        key,
        nonce,
        fc.uint8Array({ maxLength: 64 }),
        fc.array(fc.nat(70_000), { maxLength: 4 }),
        (plain, k, n, ad, places) => {
          const sealed = pureJsCrypto.chaCha20Poly1305Encrypt(plain, n, ad, k).subarray()
          assert.deepEqual(Buffer.from(native.chaCha20Poly1305Encrypt(plain, n, ad, k).subarray()), Buffer.from(sealed))
          assert.deepEqual(
            Buffer.from(native.chaCha20Poly1305Encrypt(cut(plain, places), n, ad, k).subarray()),
            Buffer.from(sealed)
          )
          assert.deepEqual(
            Buffer.from(native.chaCha20Poly1305Decrypt(sealed.slice(), n, ad, k).subarray()),
            Buffer.from(plain)
          )
          const list = cut(sealed, places)
          const place = list.subarray(0, list.byteLength - 16) // as the library gives it
          assert.deepEqual(
            Buffer.from(native.chaCha20Poly1305Decrypt(list, n, ad, k, place).subarray()),
            Buffer.from(plain)
          )
          assert.deepEqual(native.hashSHA256(cut(plain, places)), createHash('sha256').update(plain).digest())
        }
      ),
      propertyOptions
    )
  })

  it('agree on the secrets of a handshake', () => {
    fc.assert(
      fc.property(key, key, fc.constantFrom(0, 32).chain(bytesOf), (seed, chainingKey, input) => {
        const ours = native.generateX25519KeyPair()
        const theirs = pureJsCrypto.generateX25519KeyPairFromSeed(seed)
        assert.deepEqual(
          Buffer.from(native.generateX25519SharedKey(ours.privateKey, theirs.publicKey).subarray()),
          Buffer.from(pureJsCrypto.generateX25519SharedKey(theirs.privateKey, ours.publicKey))
        )
        const keys = (crypto: ICryptoInterface) => crypto.getHKDF(chainingKey, input).map((each) => Buffer.from(each))
        assert.deepEqual(keys(native), keys(pureJsCrypto))
      }),
      propertyOptions
    )
  })

  it('refuse what was changed on its way, and keys of small order', () => {
    const k = randomBytes(32)
    const n = new Uint8Array(12)
    const ad = new Uint8Array()
    const sealed = native.chaCha20Poly1305Encrypt(randomBytes(100), n, ad, k).subarray()
    for (const place of [0, 50, 99, 100, 115]) {
      const changed = Uint8Array.from(sealed)
      changed[place] = (changed[place] ?? 0) ^ 1
      assert.throws(() => native.chaCha20Poly1305Decrypt(changed, n, ad, k, changed.subarray(0, 100)))
    }
    for (const length of [0, 15]) {
      assert.throws(() => native.chaCha20Poly1305Decrypt(sealed.subarray(0, length), n, ad, k))
    }
    const { privateKey } = native.generateX25519KeyPair()
    assert.throws(() => native.generateX25519SharedKey(privateKey, new Uint8Array(32)))
  })
})

const PROTOCOL = '/soma-p2p-test/echo/1'
const FRAMES = 40
const FRAME_BYTES = 300_000

function startPeer(isOurs: boolean): Promise<Libp2p> {
  const muxer = yamux({ streamOptions: YAMUX_STREAM_OPTIONS })
  return createLibp2p({
    logger: quietLogger,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [isOurs ? corkWrites(noise({ crypto: native })) : noise()],
    streamMuxers: [isOurs ? sparingWindowUpdates(muxer) : muxer],
    connectionMonitor: { enabled: false }
  })
}

async function echoFrames(stream: Stream): Promise<void> {
  const frames = new FrameStream(stream)
  for (;;) {
    const frame = await frames.read(FRAME_BYTES, 30_000)
    if (frame === undefined) break
    await frames.write(framed(frame), 30_000)
  }
  await frames.finish(30_000)
}

function framed(payload: Uint8Array): Uint8ArrayList {
  const prefix: number[] = []
  for (let rest = payload.byteLength; ; rest >>>= 7) {
    prefix.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    if (rest <= 0x7f) break
  }
  return new Uint8ArrayList(Uint8Array.from(prefix), payload)
}

describe('a connection', () => {
  for (const [dialler, listener] of [
    [true, false],
    [false, true],
    [true, true]
  ] as const) {
    it(`carries megabytes both ways from ${dialler ? 'ours' : 'the library’s own'} to ${listener ? 'ours' : 'the library’s own'}`, async (context) => {
      const [from, to] = await Promise.all([startPeer(dialler), startPeer(listener)])
      context.after(() => Promise.all([from.stop(), to.stop()]))
      await to.handle(PROTOCOL, echoFrames)
      const frames = new FrameStream(await from.dialProtocol(to.getMultiaddrs(), PROTOCOL))
      const payload = new Uint8Array(randomBytes(FRAME_BYTES))
      const writing = (async () => {
        for (let count = 0; count < FRAMES; count++) await frames.write(framed(payload), 30_000)
      })()
      for (let count = 0; count < FRAMES; count++) {
        const frame = await frames.read(FRAME_BYTES, 30_000)
        assert.ok(frame !== undefined && Buffer.compare(frame, payload) === 0, `frame ${count}`)
      }
      await writing
      await frames.finish(30_000)
    })
  }
})
