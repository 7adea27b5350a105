import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type BlockRef, blockRefKey } from '../../src/consensus/block-ref.ts'
import { encodeCommit } from '../../src/consensus/commit.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import {
  type ByzantineScript,
  buildChain,
  type Chain,
  changingValidators,
  commitAt,
  deriveValidatorKeys,
  firstBlock,
  forgeNextCommit,
  forgeSubDag,
  type HandOverForgery,
  lastCommitOfEpoch,
  type ScriptedCommit,
  signBlock,
  startByzantinePeer,
  usurpChain,
  type ValidatorKeys,
  votesFor
} from '../../src/testing/index.ts'
import type { VerificationMode } from '../../src/verify/block-verifier.ts'
import { assertHalted, haltStore } from './meet-halt.ts'
import { Meeting, patience } from './meet-liar.ts'

const PER_EPOCH = 10
const epochs = { commits: PER_EPOCH, validators: changingValidators({ sizes: [4, 7, 2, 4] }) }
const chain = buildChain({ commits: 4 * PER_EPOCH, epochs })
/** Divides an epoch, so that ranges of later epochs are fetched ahead. */
const config = { commitsPerRange: PER_EPOCH / 2 }

/** The last commit of the epoch whose end is attacked. */
const END = lastCommitOfEpoch(chain, 1)
const committeeOf = (epoch: number) => chain.committees[epoch] ?? assert.fail(`no committee of epoch ${epoch}`)
const keysOf = (epoch: number) => chain.consensus.epoch(epoch).keys

/** Where the victim stands when it meets the liar: far from the attacked end of an epoch, before it, and at it. */
const STANDINGS = { 'at the genesis': 0, 'in the epoch': END - 1, 'at its end': END }

/** Whoever would rule from epoch 2 on, without a key that any true committee knows. */
const usurpers = () => Array.from({ length: 4 }, (_, index) => ({ keys: deriveValidatorKeys(666, index) }))

function blocksOf(commits: readonly ScriptedCommit[], refs: readonly BlockRef[]): Uint8Array[] {
  const blocks = commits.flatMap(({ subDag }) => subDag.blocks)
  const bytesOf = new Map(blocks.map(({ ref, bytes }) => [blockRefKey(ref), bytes]))
  return refs.flatMap((ref) => bytesOf.get(blockRefKey(ref)) ?? [])
}

/** Serves these commits and none other, certified as they are, each answer of one epoch. */
function serving(commits: readonly ScriptedCommit[], options: { crossing?: boolean } = {}): ByzantineScript {
  return {
    getCommitAvailability: {
      async *answer() {
        yield { highestCertifiable: commits.length, lowestAvailable: 1 }
      }
    },
    fetchCommits: {
      async *answer(_, { start, end }) {
        const epochOf = ({ subDag }: ScriptedCommit) => subDag.commit.commit.epoch
        const first = commitAt({ commits }, start)
        const wanted = commits.slice(start - 1, end)
        const served = options.crossing ? wanted : wanted.filter((commit) => epochOf(commit) === epochOf(first))
        yield {
          commits: served.map(({ subDag }) => subDag.commit.bytes),
          certifierBlocks: served.at(-1)?.certifiers ?? []
        }
      }
    },
    fetchBlocks: {
      async *answer(_, { refs }) {
        yield { blocks: blocksOf(commits, refs) }
      }
    }
  }
}

/** The chain up to the end of epoch 1, and then a commit of whatever epoch and certifiers. */
function wentOn(next: ScriptedCommit): ScriptedCommit[] {
  return [...chain.commits.slice(0, END), next]
}

/** The true end of epoch 1 and what is after it, the end certified by other blocks. */
function certifiedBy(usurped: Chain, certifiers: readonly Uint8Array[]): ScriptedCommit[] {
  return usurped.commits.with(END - 1, { ...commitAt(usurped, END), certifiers })
}

/** Votes of a committee's members, in their blocks, signed by others. */
function votesSignedBy(keys: readonly ValidatorKeys[], of: ScriptedCommit): Uint8Array[] {
  return votesFor(chain, of.subDag.commit.ref, undefined, { epoch: 1 }).map(
    ({ block }, index) => signBlock(keys[index % keys.length] as ValidatorKeys, chain.genesis.chainId, block).bytes
  )
}

/** What is false in the hand-over of epoch 1. */
const FORGERIES: Record<string, Pick<HandOverForgery, 'signedBy' | 'named'>> = {
  'signed by a minority': { signedBy: keysOf(1).slice(0, 2), named: [0, 1] },
  'signed by a minority that claims to be a quorum': { signedBy: keysOf(1).slice(0, 2), named: [0, 1, 2, 3, 4] },
  'signed with the keys of the epoch before': { signedBy: keysOf(0) },
  'signed by one for all': { signedBy: keysOf(1).flatMap(() => keysOf(1).slice(0, 1)), named: [0, 1, 2, 3, 4, 5, 6] }
}
const usurped = (handOver?: Pick<HandOverForgery, 'signedBy' | 'named'>) =>
  usurpChain(chain, { epoch: 1, validators: usurpers, ...(handOver === undefined ? {} : { handOver }) })
const lie = usurped(FORGERIES['signed by a minority'])
const lyingEnd = commitAt(lie, END)
const votesOf = (authors: number[]) =>
  votesFor(chain, lyingEnd.subDag.commit.ref, authors, { epoch: 1 }).map(({ bytes }) => bytes)

/** What a liar serves, and what it is told apart by. */
const BANNED: Record<string, { readonly codes: readonly string[]; readonly commits: readonly ScriptedCommit[] }> = {
  'a committee that a minority signed for': {
    codes: ['CERTIFIERS_WITHOUT_QUORUM'],
    commits: certifiedBy(lie, votesOf([0, 1]))
  },
  'a committee that old keys signed for': {
    codes: ['BLOCK_BAD_SIGNATURE'],
    commits: certifiedBy(lie, votesSignedBy(keysOf(0), lyingEnd))
  },
  'a committee that one signed for in the name of all': {
    codes: ['BLOCK_BAD_SIGNATURE'],
    commits: certifiedBy(lie, votesSignedBy(keysOf(1).slice(0, 1), lyingEnd))
  },
  'a committee that one signed for again and again': {
    codes: ['CERTIFIER_DUPLICATE_AUTHOR'],
    commits: certifiedBy(lie, votesOf([0, 0, 0, 0, 0, 0, 0]))
  },
  'a commit of the new epoch, certified by the old committee': {
    codes: ['CERTIFIER_WRONG_EPOCH'],
    commits: wentOn({
      ...forgeNextCommit(chain, END, 2),
      certifiers: votesFor(chain, forgeNextCommit(chain, END, 2).subDag.commit.ref, [0, 1], { epoch: 1 }).map(
        ({ bytes }) => bytes
      )
    })
  },
  'a commit of the epoch after the next': {
    codes: ['COMMITS_WRONG_EPOCH', 'CERTIFIERS_TOO_MANY'],
    commits: wentOn(forgeNextCommit(chain, END, 3))
  },
  'a commit of the old epoch, uncertified': {
    codes: ['COMMITS_WRONG_EPOCH', 'CERTIFIERS_WITHOUT_QUORUM'],
    commits: wentOn(forgeNextCommit(chain, END, 1, []))
  },
  'a commit of the old epoch, certified by a minority': {
    codes: ['COMMITS_WRONG_EPOCH', 'CERTIFIERS_WITHOUT_QUORUM'],
    commits: wentOn(forgeNextCommit(chain, END, 1, [0, 1, 2]))
  },
  'a commit of an epoch long over': {
    codes: ['COMMITS_WRONG_EPOCH', 'CERTIFIERS_WITHOUT_QUORUM'],
    commits: wentOn(forgeNextCommit(chain, END, 0, [0]))
  }
}

describe('a liar about an epoch is told apart, banned and disconnected; another serves the truth', () => {
  for (const [name, { codes, commits }] of Object.entries(BANNED)) {
    for (const [standing, stored] of Object.entries(STANDINGS)) {
      if (stored === END && commitAt({ commits }, END) !== commitAt(chain, END)) continue // it has the truth already
      it(`${name}, to a node that stands ${standing}`, async () => {
        const liar = { script: serving(commits) }
        await using meeting = await Meeting.begin(chain, liar, { commits: stored, config })
        const report = await meeting.reports.of(meeting.liar, ...codes)
        assert.equal(report.consequence, 'ban')
        await meeting.liar.disconnectedFrom(meeting.victim.peerId, { signal: patience() })
        await meeting.assertStoredIsTrue()
        assert.ok(meeting.stored <= END)
        await meeting.recover()
      })
    }
  }
})

describe('an answer that crosses the end of an epoch', () => {
  it('is refused, though each commit of it is true', async () => {
    const liar = { script: serving(chain.commits, { crossing: true }) }
    await using meeting = await Meeting.begin(chain, liar)
    const report = await meeting.reports.of(meeting.liar, 'COMMITS_WRONG_EPOCH')
    assert.equal(report.consequence, 'ban')
    assert.equal(meeting.stored, 0)
    await meeting.recover()
  })
})

describe('a valid quorum behind a lie about an epoch halts the sync, bans nobody and keeps the evidence', () => {
  for (const mode of ['full', 'certified'] satisfies VerificationMode[]) {
    for (const [name, forgery] of Object.entries(FORGERIES)) {
      it(`a committee whose hand-over is ${name}, in the mode ${mode}`, async (context) => {
        const halt = await haltStore(context, chain.genesis)
        const liar = { script: serving(usurped(forgery).commits) }
        await using meeting = await Meeting.begin(chain, liar, { store: halt.store, verification: mode, config })
        await assertHalted(meeting, await halt.record, 'SYNC_CERTIFIED_DATA_REFUSED', committeeOf(1))
        await meeting.assertStoredIsTrue()
        assert.ok(meeting.stored < END)
        assert.equal(await meeting.victim.store.getCommittee(2), undefined)
      })
    }
  }

  const stayed = wentOn(forgeNextCommit(chain, END, 1))
  for (const [standing, commits] of Object.entries(STANDINGS)) {
    it(`a commit of the old epoch after its last, to a node that stands ${standing}`, async (context) => {
      const halt = await haltStore(context, chain.genesis)
      const liar = { script: serving(stayed) }
      await using meeting = await Meeting.begin(chain, liar, { store: halt.store, commits, config })
      await assertHalted(meeting, await halt.record, 'SYNC_FORK', committeeOf(1))
      await meeting.assertStoredIsTrue()
      assert.ok(meeting.stored <= END)
    })
  }

  it('a commit of the old epoch whose range has not come whole', async (context) => {
    const halt = await haltStore(context, chain.genesis)
    const first = forgeNextCommit(chain, END, 1)
    const { ref, commit } = first.subDag.commit
    const subDag = forgeSubDag(ref, [firstBlock(chain, 1, 1, { timestampMs: commit.timestampMs })])
    const certifiers = votesFor(chain, subDag.commit.ref, undefined, { epoch: 1 }).map(({ bytes }) => bytes)
    const withheld = new AbortController()
    const fetchBlocks: ByzantineScript['fetchBlocks'] = {
      async *answer(_, { refs }) {
        yield { blocks: blocksOf(wentOn(first), refs) } // and the last is still to come
        await once(withheld.signal, 'abort')
      }
    }
    const script = { ...serving([...wentOn(first), { subDag, certifiers }]), fetchBlocks }
    await using meeting = await Meeting.begin(chain, { script }, { store: halt.store, commits: END - 1 })
    const record = await halt.record.finally(() => withheld.abort())
    await assertHalted(meeting, record, 'SYNC_FORK', committeeOf(1))
    await meeting.assertStoredIsTrue()
  })
})

describe('liars that claim an epoch far ahead', () => {
  /** Commits of epoch 7, in answer to whatever is asked for beyond the first epoch, and nothing below. */
  const ahead: ByzantineScript = {
    getCommitAvailability: {
      async *answer() {
        yield { highestCertifiable: 10_000, lowestAvailable: 1 }
      }
    },
    fetchCommits: {
      async *answer(_, { start, end }) {
        if (start <= PER_EPOCH) throw new RpcError('RPC_UNAVAILABLE', 'not now')
        const claims: Uint8Array[] = []
        const { ref, commit } = commitAt(chain, 1).subDag.commit
        for (let index = start; index <= end; index++) {
          claims.push(encodeCommit({ ...commit, index, previousDigest: ref.digest, epoch: 7 }).bytes)
        }
        yield { commits: claims, certifierBlocks: [] }
      }
    }
  }
  const small = { ...config, maxBytesInFlight: 4_096 }

  it('hold neither the turns nor the budget of who would sync, and are banned when their turn has come', async () => {
    await using meeting = await Meeting.begin(chain, { script: ahead }, { config: small })
    await using second = await startByzantinePeer({ chain, script: ahead })
    await second.dial(meeting.victim)
    const isFull = async () => (await meeting.victim.status()).bytesInFlight > small.maxBytesInFlight / 2
    while (!(await isFull())) await delay(20, undefined, { signal: patience() })
    await meeting.recover()
    for (const liar of [meeting.liar, second]) {
      assert.equal((await meeting.reports.of(liar, 'COMMITS_WRONG_EPOCH')).consequence, 'ban')
    }
  })
})
