import assert from 'node:assert/strict'
import { decodeCommit } from '../../../src/consensus/commit.ts'
import { decodeCommittee, encodeCommittee } from '../../../src/consensus/committee.ts'
import { ConsensusError } from '../../../src/consensus/consensus-error.ts'
import { digestOf } from '../../../src/consensus/digest.ts'
import { decodeGenesis } from '../../../src/consensus/genesis.ts'
import { TOTAL_VOTING_POWER } from '../../../src/consensus/limits.ts'
import { decodeSignedBlock } from '../../../src/consensus/signed-block.ts'
import { bytesEqual } from '../../../src/runtime/hex.ts'
import { decoderTarget } from '../decoder-target.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { sampleBlocks, sampleChain } from '../sample-chain.ts'
import { vectorBytes } from '../vectors.ts'

const refusals = [ConsensusError]

/** What is digested as it came: blocks, commits, committees, the genesis. */
export function consensusTargets(): FuzzTarget[] {
  const { genesis, commits, committees } = sampleChain()
  return [
    decoderTarget({
      name: 'consensus/signed-block',
      shape: 'protobuf',
      weight: 2,
      seeds: [...sampleBlocks().map(({ bytes }) => bytes), ...vectorBytes('invalid-blocks', 'bytes')],
      refusals,
      decode: decodeSignedBlock,
      check({ ref, block, bytes }, input) {
        assert.equal(bytes, input)
        assert.ok(bytesEqual(ref.digest, digestOf('block', input)))
        assert.deepEqual([ref.epoch, ref.round, ref.author], [block.epoch, block.round, block.author])
      }
    }),
    decoderTarget({
      name: 'consensus/commit',
      shape: 'protobuf',
      weight: 2,
      seeds: [...commits.map(({ subDag }) => subDag.commit.bytes), ...vectorBytes('invalid-ranges', 'commits')],
      refusals,
      decode: decodeCommit,
      check({ ref, commit, bytes }, input) {
        assert.equal(bytes, input)
        assert.equal(ref.index, commit.index)
        assert.ok(bytesEqual(ref.digest, digestOf('commit', input)))
      }
    }),
    decoderTarget({
      name: 'consensus/committee',
      shape: 'protobuf',
      weight: 2,
      seeds: committees.map(({ bytes }) => bytes),
      refusals,
      decode: decodeCommittee,
      check(committee) {
        const { validators } = committee
        const power = validators.reduce((sum, { votingPower }) => sum + votingPower, 0)
        assert.equal(power, TOTAL_VOTING_POWER)
        assert.deepEqual(encodeCommittee(committee).validators, validators)
      }
    }),
    decoderTarget({
      name: 'consensus/genesis',
      shape: 'protobuf',
      weight: 2,
      seeds: [genesis.bytes, ...vectorBytes('genesis', 'bytes')],
      refusals,
      decode: decodeGenesis,
      check({ chainId, committee }, input) {
        assert.ok(bytesEqual(chainId, digestOf('genesis', input)))
        assert.equal(committee.epoch, 0)
      }
    })
  ]
}
