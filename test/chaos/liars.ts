import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type Ledger, openLedger } from '../../examples/ledger/ledger.ts'
import { ExecutedConsensus } from '../../examples/scripted/executed-consensus.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import {
  type ByzantinePeer,
  networkPrivateKey,
  type ScriptedCommit,
  ScriptedConsensus,
  type ScriptedConsensusOptions,
  startByzantinePeer,
  type ValidatorKeys
} from '../../src/testing/index.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { type ChaosChain, chaosConsensus } from './chaos-chain.ts'
import type { LieName } from './lie-names.ts'
import { harass, scriptOf } from './lies.ts'
import type { ChildEvent, LiarCalls } from './protocol.ts'

/** Milliseconds between attempts of a liar to be in touch with everyone. */
const MEET_MS = 2_000
/** How long it waits for one of them. */
const DIAL_MS = 5_000

interface Liar {
  readonly peer: ByzantinePeer
  readonly lie: LieName
}

/** All Byzantine validators. Each has its own identity and, at times, a new one beside it; all know the chain as it grows. */
export class Liars {
  readonly #options: ScriptedConsensusOptions
  readonly #victims: readonly string[]
  readonly #ledger: Ledger
  readonly #consensus: ExecutedConsensus
  /** To know the committees by: it makes nothing. */
  readonly #schedule: ScriptedConsensus
  readonly #tasks: TaskGroup
  readonly #commits: ScriptedCommit[] = []
  readonly #liars = new Map<string, Liar>()
  readonly #resting = new AbortController()
  #askedBefore = 0
  /** The chain and the peers that follow it change one at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    chain: ChaosChain,
    victims: readonly string[],
    ledger: Ledger,
    tell: (event: ChildEvent) => void
  ) {
    this.#options = chaosConsensus(chain)
    this.#victims = victims
    this.#ledger = ledger
    this.#consensus = new ExecutedConsensus(this.#options, ledger)
    this.#schedule = new ScriptedConsensus(this.#options)
    this.#tasks = new TaskGroup((thrown) => tell({ kind: 'failed', message: String(thrown) }))
  }

  static async start(
    { chain, victims }: LiarCalls['start']['argument'],
    tell: (event: ChildEvent) => void
  ): Promise<Liars> {
    const { genesis } = chaosConsensus(chain)
    const ledger = await openLedger('memory', { genesis, transactions: 'certified', level: createMemoryLevel() })
    const liars = new Liars(chain, victims, ledger, tell)
    liars.#tasks.run((signal) => liars.#follow(AbortSignal.any([signal, liars.#resting.signal])))
    liars.#tasks.run((signal) => liars.#meet(signal))
    return liars
  }

  /** Requests that they got. */
  get asked(): number {
    return [...this.#liars.values()].reduce((sum, liar) => sum + requestsTo(liar), this.#askedBefore)
  }

  /** @returns the multiaddrs of all liars at present */
  async lie({ validator, lie, as }: LiarCalls['lie']['argument']): Promise<string[]> {
    const keys = this.#options.keys[validator]
    if (keys === undefined) throw new RangeError(`no validator ${validator}`)
    await this.#alone(async () => {
      const role = `${as} ${validator}`
      const before = this.#liars.get(role)
      this.#liars.delete(role)
      if (before !== undefined) this.#askedBefore += requestsTo(before)
      await before?.peer.stop()
      const privateKey = as === 'validator' ? await networkPrivateKey(keys) : await generateKeyPair('Ed25519')
      this.#liars.set(role, { lie, peer: await this.#startPeer(lie, keys, privateKey) })
    })
    return [...this.#liars.values()].flatMap(({ peer }) => peer.addresses())
  }

  /** Makes no more of the chain. */
  rest(): void {
    this.#resting.abort(new Error('the chain rests'))
  }

  async stop(): Promise<void> {
    await this.#tasks.stop(new Error('the liars stop'))
    await this.#turn
    await Promise.all(Array.from(this.#liars.values(), ({ peer }) => peer.stop()))
    await this.#ledger.close()
  }

  #startPeer(lie: LieName, keys: ValidatorKeys, privateKey: PrivateKey): Promise<ByzantinePeer> {
    const { genesis } = this.#options
    const protocolKey = ed25519PublicKey(keys.protocolSeed)
    const secrets = { genesis, keys: this.#options.keys, consensus: this.#schedule, protocolKey }
    return startByzantinePeer({
      chain: { genesis, commits: this.#commits },
      script: scriptOf(lie, secrets),
      privateKey
    })
  }

  /** Makes the chain when it is due. */
  async #follow(signal: AbortSignal): Promise<void> {
    while (true) {
      const early = this.#consensus.dueMs(this.#consensus.lastCommit.index + 1) - systemClock.now()
      await systemClock.sleep(Math.max(1, early), { signal }).catch(() => undefined)
      if (signal.aborted) return
      const commit = await this.#consensus.nextCommit({ signal })
      await this.#ledger.execute([commit.subDag])
      await this.#alone(async () => {
        this.#commits.push(commit)
        await Promise.all(Array.from(this.#liars.values(), ({ peer }) => peer.extend([commit])))
      })
    }
  }

  /** Keeps in touch with everyone who does not refuse. */
  async #meet(signal: AbortSignal): Promise<void> {
    while (true) {
      await systemClock.sleep(MEET_MS, { signal })
      const meetings = Array.from(this.#liars.values(), (liar) =>
        this.#victims.map((victim) => meet(liar, victim, signal))
      )
      await Promise.allSettled(meetings.flat()) // a liar has no claim to be heard
      signal.throwIfAborted()
    }
  }

  async #alone(task: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(task)
    this.#turn = done.catch(() => undefined)
    await done
  }
}

async function meet({ peer, lie }: Liar, victim: string, signal: AbortSignal): Promise<void> {
  const dialling = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)])
  const { remotePeer } = await peer.libp2p.dial(multiaddr(victim), { signal: dialling })
  await harass(lie, peer, remotePeer)
}

function requestsTo({ peer }: Liar): number {
  const names = [
    'getCommitInfo',
    'getCommitAvailability',
    'fetchCommits',
    'fetchBlocks',
    'pushCommit',
    'getKnownPeers'
  ] as const
  return names.reduce((sum, name) => sum + peer.asked(name), 0)
}
