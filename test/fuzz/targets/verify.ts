import assert from 'node:assert/strict'
import type { Committee } from '../../../src/consensus/committee.ts'
import { ConsensusError } from '../../../src/consensus/consensus-error.ts'
import { decodeSignedBlock } from '../../../src/consensus/signed-block.ts'
import type { Validator } from '../../../src/consensus/validator-set.ts'
import { bytesEqual, fromHex, toHex } from '../../../src/runtime/hex.ts'
import { createBlockVerifier } from '../../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../../src/verify/main-thread-verifier.ts'
import { decodeSigners, encodeSigners } from '../../../src/verify/signer-bitmap.ts'
import { TransactionForms } from '../../../src/verify/transaction-form.ts'
import { VerifyError } from '../../../src/verify/verify-error.ts'
import { decoderTarget, outcomeOf } from '../decoder-target.ts'
import { type FuzzTarget, simpleTarget } from '../fuzz-target.ts'
import { sampleBlocks, sampleChain } from '../sample-chain.ts'
import { readVectors, vectorBytes } from '../vectors.ts'

/** What is held against the rules of a chain. */
export function verifyTargets(): FuzzTarget[] {
  return [blocks(), transactions(), signers()]
}

/** Nobody has the keys: what passes is a block that was made, byte for byte. */
function blocks(): FuzzTarget {
  const { genesis, committees } = sampleChain()
  const genuine = sampleBlocks().map(({ bytes }) => bytes)
  const known = new Set(genuine.map(toHex))
  const threadless = createMainThreadVerifier()
  const verifier = createBlockVerifier({
    chainId: genesis.chainId,
    signatures: threadless,
    bls: threadless,
    getCommittee: (epoch) => committees[epoch]
  })
  return simpleTarget({
    name: 'verify/block',
    shape: 'protobuf',
    weight: 0.5,
    seeds: [...genuine, ...vectorBytes('invalid-blocks', 'bytes')],
    async run(input) {
      try {
        await verifier.verify([decodeSignedBlock(input)])
      } catch (thrown) {
        if (thrown instanceof ConsensusError || thrown instanceof VerifyError) return outcomeOf(thrown)
        throw thrown
      }
      assert.ok(known.has(toHex(input)), 'a block that its author has not signed passes')
      return 'genuine'
    }
  })
}

function transactions(): FuzzTarget {
  interface Vectors {
    readonly chain_id: string
    readonly certified: { readonly bytes: string }
    readonly end_of_publish: { readonly bytes: string }
    readonly invalid: readonly { readonly bytes: string }[]
  }
  const vectors = readVectors<Vectors>('transactions')
  const { committee } = sampleChain().genesis
  const forms = new TransactionForms(fromHex(vectors.chain_id))
  return decoderTarget({
    name: 'verify/transaction',
    shape: 'protobuf',
    weight: 2,
    seeds: [vectors.certified, vectors.end_of_publish, ...vectors.invalid].map(({ bytes }) => fromHex(bytes)),
    refusals: [],
    decode: (input) => forms.check(input, { committee, author: 3 }),
    check(form) {
      if (form.kind === 'certified') assert.ok(form.certificate.publicKeys.length > 0)
    }
  })
}

/** The first two bytes choose the size of the committee. */
function signers(): FuzzTarget {
  const { committee } = sampleChain().genesis
  const { validators } = committee
  const many: Validator[] = Array.from({ length: 1_000 }, (_, index) => validators[index % 4] as Validator)
  const ofSize = (size: number): Committee => ({ ...committee, validators: many.slice(0, size) })
  return decoderTarget({
    name: 'verify/signers',
    shape: 'bytes',
    weight: 1,
    seeds: [Uint8Array.of(0, 4, 0x0f), Uint8Array.of(0, 9, 0xff, 1), new Uint8Array(127).fill(0xff)],
    refusals: [],
    decode(input) {
      const size = 1 + ((((input[0] ?? 0) << 8) | (input[1] ?? 0)) % 1_000)
      const bitmap = input.subarray(2)
      return { bitmap, chosen: ofSize(size), named: decodeSigners(bitmap, ofSize(size)) }
    },
    check({ bitmap, chosen, named }) {
      if (named === undefined) return
      assert.ok(named.every((index, at) => index < chosen.validators.length && index > (named[at - 1] ?? -1)))
      assert.ok(bytesEqual(encodeSigners(named, chosen), bitmap), 'a set of signers with two bitmaps')
    }
  })
}
