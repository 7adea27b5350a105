import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { ConsensusError } from '../../../src/consensus/consensus-error.ts'
import { GoodPeers } from '../../../src/discovery/good-peers.ts'
import { BanTable } from '../../../src/peers/ban-table.ts'
import { bytesEqual } from '../../../src/runtime/hex.ts'
import { WireError } from '../../../src/runtime/wire-error.ts'
import { decodeRefs, encodeRefs } from '../../../src/storage/keys.ts'
import { ScriptedConsensus } from '../../../src/testing/scripted-consensus.ts'
import { seal } from '../../discovery/make-info.ts'
import { makePeers } from '../../peers/make-peer.ts'
import { decoderTarget } from '../decoder-target.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { sampleChain } from '../sample-chain.ts'

/** What a node wrote itself, and reads again from a disk that may have changed it. */
export async function recordTargets(): Promise<FuzzTarget[]> {
  return [await goodPeers(), bans(), references(), snapshots()]
}

async function goodPeers(): Promise<FuzzTarget> {
  const good = new GoodPeers({ subnetOf: () => '8.8.8.0/24' })
  const peers = await makePeers(4)
  const sealed = await Promise.all(peers.map((peer) => seal(peer)))
  const addresses = [multiaddr('/ip4/8.8.8.8/tcp/4001'), multiaddr('/dns4/a.example/tcp/1')]
  good.note(
    peers.map(({ peerId }, at) => ({ peerId, addresses, isDialled: at > 1, seenMs: at * 1_000, sealed: sealed[at] }))
  )
  return decoderTarget({
    name: 'record/good-peers',
    shape: 'protobuf',
    weight: 0.5,
    seeds: [new GoodPeers().encode(), good.encode()],
    refusals: [WireError],
    decode(input) {
      const read = new GoodPeers()
      read.decode(input)
      return read
    },
    check(read) {
      const again = new GoodPeers()
      again.decode(read.encode())
      assert.ok(bytesEqual(again.encode(), read.encode()), 'what is read and written is another record')
    }
  })
}

function bans(): FuzzTarget {
  const table = new BanTable(100)
  for (const [at, peerId] of ['a', 'b', 'c'].entries()) {
    table.add({ peerId, untilMs: 1_000 + at, reason: 'RPC_BAD_FRAME' }, 0)
  }
  return decoderTarget({
    name: 'record/bans',
    shape: 'protobuf',
    seeds: [new Uint8Array(0), table.encode(0)],
    refusals: [WireError],
    decode(input) {
      const read = new BanTable(100)
      read.decode(input, 500)
      return read
    },
    check(read) {
      assert.ok(read.list(500).length <= 100)
      const again = new BanTable(100)
      again.decode(read.encode(500), 500)
      assert.deepEqual(again.list(500), read.list(500))
    }
  })
}

function references(): FuzzTarget {
  const lists = sampleChain().commits.map(({ subDag }) => encodeRefs(subDag.commit.commit.blocks))
  return decoderTarget({
    name: 'record/references',
    shape: 'bytes',
    seeds: [new Uint8Array(0), ...lists],
    refusals: [],
    decode: decodeRefs,
    check(refs, input) {
      if (refs === undefined || refs.some(({ epoch }) => !Number.isSafeInteger(epoch))) return
      assert.ok(bytesEqual(encodeRefs(refs), input))
    }
  })
}

/** Where a scripted consensus goes on. */
function snapshots(): FuzzTarget {
  const { options } = sampleChain()
  const consensus = new ScriptedConsensus(options)
  const seeds = Array.from({ length: 8 }, () => {
    consensus.nextCommit()
    return consensus.snapshot()
  })
  return decoderTarget({
    name: 'record/scripted-snapshot',
    shape: 'protobuf',
    weight: 0.05,
    seeds,
    refusals: [WireError, ConsensusError, RangeError],
    decode: (input) => ScriptedConsensus.resume(options, input),
    check: (resumed, input) => assert.ok(bytesEqual(resumed.snapshot(), input) || resumed.lastCommit.index >= 0)
  })
}
