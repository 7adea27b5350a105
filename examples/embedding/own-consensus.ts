// A validator's consensus that hands its commits in, and is overtaken: node -C source examples/embedding/own-consensus.ts
import { type ConsensusCommit, createNode } from 'soma-p2p'
import { buildGenesis, generateValidatorKeys, networkPrivateKey, ScriptedConsensus } from 'soma-p2p/testing'

/** A consensus as the node needs to know it: it gives one commit after the other, and can go on from a later one. */
interface Consensus {
  /** The commit after the last one given. With it come its blocks, and those whose votes certify it. */
  next(): ConsensusCommit
  /** Goes on after a commit that it has not made itself. */
  skipTo(index: number): void
}

const { genesis, keys } = buildGenesis({
  validators: [1, 2, 3, 4].map(() => ({ keys: generateValidatorKeys() })),
  startTimeMs: Date.now()
})

/** Stands in for a real one: it makes the same chain in every process. */
function scriptedConsensus(): Consensus {
  const consensus = new ScriptedConsensus({ genesis, keys, seed: 1 })
  return {
    next: () => consensus.nextCommit(),
    skipTo: (index) => {
      while (consensus.lastCommit.index < index) consensus.nextCommit()
    }
  }
}

/** A validator: the node with the validator's network key, and its consensus. */
async function startValidator(index: number, seeds: string[]) {
  const key = keys[index]
  if (key === undefined) throw new RangeError(`no validator ${index}`)
  const node = await createNode({ genesis, privateKey: await networkPrivateKey(key), seeds })
  const consensus = scriptedConsensus()
  await node.start()
  return {
    node,
    consensus,
    /** Hands in commits up to one. What the sync has stored before is `known`, and no error. */
    async handIn(until: number): Promise<void> {
      while (node.store.watermarks.highestSynced.index < until) await node.consensus.sendCommit(consensus.next())
    }
  }
}

const first = await startValidator(0, [])
const second = await startValidator(1, first.node.addresses())

await Promise.all([first.handIn(20), second.handIn(20)])
console.log('both validators have handed in 20 commits')

// The consensus of the second stands still. Two seconds after its last commit the sync takes over, and tells of it.
const overtaken = Promise.withResolvers<number>()
const stopListening = second.node.consensus.onOvertaken(({ index }) => {
  if (index === 60) overtaken.resolve(index)
})
await first.handIn(60)
const highest = await overtaken.promise
stopListening()
console.log(`the second was overtaken: its node has synced to commit ${highest}`)

// A consensus that missed commits goes on after the highest that its node has, which it finds in the store.
second.consensus.skipTo(second.node.store.watermarks.highestSynced.index)
await Promise.all([first.handIn(80), second.handIn(80)])
console.log(`both go on by themselves to commit ${second.node.store.watermarks.highestSynced.index}`)

// What is refused is refused by code, and the node goes on.
first.consensus.skipTo(81)
try {
  await first.node.consensus.sendCommit(first.consensus.next())
} catch (thrown) {
  if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
  console.log(`a commit after one that was never handed in: ${thrown.code}`)
}

await second.node.stop()
await first.node.stop()
