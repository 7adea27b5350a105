import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { blake2b } from '@noble/hashes/blake2.js'
import fc from 'fast-check'
import { blake2b256, digestKey, digestOf } from '../../src/consensus/digest.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { nativeSodium } from '../../src/runtime/native-sodium.ts'
import { propertyOptions } from '../runtime/property-options.ts'

const text = (content: string): Uint8Array => new TextEncoder().encode(content)

describe('blake2b256', () => {
  it('gives the known digests', () => {
    assert.equal(toHex(blake2b256()), '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8')
    assert.equal(toHex(blake2b256(text('abc'))), 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319')
  })

  it('is the same natively and in JavaScript, however the input is cut', () => {
    assert.ok(nativeSodium !== undefined, 'this platform has no native code to compare')
    const part = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 120, maxLength: 300 }))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        assert.equal(toHex(blake2b256(...parts)), toHex(blake2b(Buffer.concat(parts), { dkLen: 32 })))
      }),
      propertyOptions
    )
  })

  it('works without native code', async () => {
    const digestUrl = new URL('../../src/consensus/digest.ts', import.meta.url).href
    const sodiumUrl = new URL('../../src/runtime/native-sodium.ts', import.meta.url).href
    const script = `
      const { nativeSodium } = await import(${JSON.stringify(sodiumUrl)})
      const { digestOf } = await import(${JSON.stringify(digestUrl)})
      console.log(nativeSodium, Buffer.from(digestOf('commit', Buffer.from('a'), Buffer.from('bc'))).toString('hex'))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, SOMA_P2P_NO_NATIVE: '1' }
    })
    assert.equal(stdout.trim(), `undefined ${toHex(digestOf('commit', text('abc')))}`)
  })
})

describe('digestOf', () => {
  it('is taken over the domain and the parts', () => {
    assert.deepEqual(digestOf('block', text('a'), text('b')), blake2b256(text('soma-p2p/1/digest/block:ab')))
  })

  it('separates the domains, one of which begins with another', () => {
    const digests = (['block', 'commit', 'genesis', 'genesis-block', 'validator-set', 'transaction'] as const).map(
      (domain) => digestKey(digestOf(domain))
    )
    assert.equal(new Set(digests).size, digests.length)
    assert.notDeepEqual(digestOf('genesis', text('-block:')), digestOf('genesis-block'))
  })
})
