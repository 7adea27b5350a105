import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { networkPrivateKey, type ScriptedConsensusOptions } from '../../src/testing/index.ts'
import { type ChaosChain, chaosConsensus, fullNodeKeys } from './chaos-chain.ts'
import type { ChaosOptions } from './chaos-options.ts'
import { Child } from './child.ts'
import type { Fault } from './fault.ts'
import { type JournalAccount, readJournal } from './journal.ts'
import { Links } from './links.ts'
import type { ChildEvent, LiarCalls, NodeCalls } from './protocol.ts'
import type { Cast } from './schedule.ts'

type Lie = Extract<Fault, { kind: 'lie' }>

/** An honest node over all its lives. */
export interface Member {
  readonly name: string
  readonly role: 'validator' | 'full'
  readonly index: number
  readonly peerId: string
  readonly directory: string
  /** `undefined` while it is down. */
  child: Child<NodeCalls> | undefined
  /** Whether it has started and answers. */
  isUp: boolean
  /** How many times it was started. */
  lives: number
  /** Of the data that it lost. */
  readonly lostJournals: JournalAccount[]
}

export interface ChaosNetworkInit {
  readonly options: ChaosOptions
  readonly cast: Cast
  readonly directory: string
  readonly startTimeMs: number
  /** Something is not as it must be. */
  readonly onFinding: (finding: string) => void
  readonly onBan: () => void
}

/** Who is in a run, by name: validators by index in the committee, of which the last lie. */
export function castOf({ validators, byzantine, fullNodes }: ChaosOptions): Cast {
  const names = Array.from({ length: validators }, (_, index) => `validator-${index}`)
  return {
    validators: names.slice(0, validators - byzantine),
    liars: names.slice(validators - byzantine),
    fullNodes: Array.from({ length: fullNodes }, (_, index) => `full-node-${index}`)
  }
}

/** The processes of a run and the links between them. */
export class ChaosNetwork {
  readonly links: Links
  readonly members: readonly Member[]
  readonly #init: ChaosNetworkInit
  readonly #chain: ChaosChain
  readonly #liars: Child<LiarCalls> | undefined
  /** Validators whose consensus rests. */
  readonly #resting = new Set<string>()
  #liarAddresses: readonly string[] = []
  #stopping = false

  private constructor(init: ChaosNetworkInit, chain: ChaosChain, links: Links, members: readonly Member[]) {
    this.#init = init
    this.#chain = chain
    this.links = links
    this.members = members
    if (init.cast.liars.length > 0) {
      this.#liars = new Child<LiarCalls>({
        name: 'liars',
        script: new URL('./liars-main.ts', import.meta.url),
        onEvent: (event) => this.#heard('liars', event),
        onDeath: init.onFinding
      })
    }
  }

  static async open(init: ChaosNetworkInit): Promise<ChaosNetwork> {
    const { options, cast, directory, startTimeMs } = init
    const { seed, validators, byzantine, roundIntervalMs, epochCommits } = options
    const chain = { seed, validators, byzantine, startTimeMs, roundIntervalMs, epochCommits }
    const scripted = chaosConsensus(chain)
    const names = [...cast.validators, ...cast.fullNodes]
    const members = await Promise.all(names.map((name) => memberOf(name, cast, chain, scripted, join(directory, name))))
    return new ChaosNetwork(init, chain, await Links.open(names), members)
  }

  /** Starts all nodes, and then the liars. */
  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => this.startNode(member)))
    const victims = this.members.map((member) => this.#addressOf(member))
    await this.#liars?.call('start', { chain: this.#chain, victims })
  }

  /** Of the processes of honest nodes that run. */
  get pids(): number[] {
    return this.members.flatMap(({ child }) => child?.pid ?? [])
  }

  member(name: string): Member {
    const member = this.members.find((one) => one.name === name)
    if (member === undefined) throw new RangeError(`no node ${name}`)
    return member
  }

  /** Starts a node that is down. Its seeds are all others; one that joins asks the liars too. */
  async startNode(member: Member, { joins = false }: { joins?: boolean } = {}): Promise<void> {
    const { name, role, index, directory } = member
    if (this.#stopping) return
    const child = new Child<NodeCalls>({
      name,
      script: new URL('./node-main.ts', import.meta.url),
      onEvent: (event) => this.#heard(name, event),
      onDeath: this.#init.onFinding
    })
    member.child = child
    member.lives += 1
    const others = this.members.filter((other) => other !== member)
    const seeds = [...(joins ? this.#liarAddresses : []), ...others.map((other) => this.#addressOf(other))]
    const settings = { chain: this.#chain, role, index, directory, seeds, ...this.links.of(name) }
    await this.ask(member, 'start', settings)
    member.isUp = member.child === child
    await this.ask(member, 'consensus', !this.#resting.has(name))
  }

  async killNode(member: Member): Promise<void> {
    const { child } = member
    member.child = undefined
    member.isUp = false
    await child?.kill()
  }

  /** Removes all that a node had, once it is down. */
  async wipe(member: Member): Promise<void> {
    member.lostJournals.push(readJournal(journalOf(member)))
    await rm(member.directory, { recursive: true, force: true })
  }

  /** Lets the consensus of validators work, or rest. */
  async letConsensus(names: readonly string[], work: boolean): Promise<void> {
    for (const name of names) work ? this.#resting.delete(name) : this.#resting.add(name)
    await Promise.all(names.map((name) => this.ask(this.member(name), 'consensus', work)))
  }

  /** Ends the chain: nobody makes more of it. */
  async letChainRest(): Promise<void> {
    await Promise.all([this.letConsensus(this.#init.cast.validators, false), this.#liars?.call('rest', null)])
  }

  /** Asks a node. `undefined` where it is down, or goes down before it answers. */
  async ask<Name extends keyof NodeCalls>(
    { child }: Member,
    call: Name,
    argument: NodeCalls[Name]['argument']
  ): Promise<NodeCalls[Name]['answer'] | undefined> {
    try {
      return await child?.call(call, argument)
    } catch (thrown) {
      if (child?.isLeaving === true) return undefined
      throw thrown
    }
  }

  async lie({ liar, lie, as }: Lie): Promise<void> {
    const validator = Number(liar.slice(liar.lastIndexOf('-') + 1))
    this.#liarAddresses = (await this.#liars?.call('lie', { validator, lie, as })) ?? []
  }

  /** Requests that liars were asked. */
  async requestsToLiars(): Promise<number> {
    return (await this.#liars?.call('asked', null)) ?? 0
  }

  journals(): { member: Member; account: JournalAccount }[] {
    return this.members.flatMap((member) =>
      [...member.lostJournals, readJournal(journalOf(member))].map((account) => ({ member, account }))
    )
  }

  /** Stops every process as it should be. @throws the first that did not end well */
  async stop(): Promise<void> {
    this.#stopping = true
    const children = [this.#liars, ...this.members.map(({ child }) => child)]
    const stopped = await Promise.allSettled(children.map((child) => child?.stop()))
    const failed = stopped.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Ends whatever is left, at once. */
  async end(): Promise<void> {
    this.#stopping = true
    await Promise.all([this.#liars, ...this.members.map(({ child }) => child)].map((child) => child?.kill()))
    await this.links.close()
  }

  #addressOf({ name, peerId }: Member): string {
    return `${this.links.of(name).announce}/p2p/${peerId}`
  }

  #heard(name: string, event: ChildEvent): void {
    const { onFinding, onBan } = this.#init
    if (event.kind === 'failed') onFinding(`${name} failed: ${event.message}`)
    if (event.kind !== 'ban') return
    onBan()
    const victim = this.members.find(({ peerId }) => peerId === event.peerId)
    if (victim !== undefined) onFinding(`${name} banned the honest ${victim.name}: ${event.code}`)
  }
}

function journalOf({ directory }: Member): string {
  return join(directory, 'journal')
}

async function memberOf(
  name: string,
  { validators }: Cast,
  chain: ChaosChain,
  { keys }: ScriptedConsensusOptions,
  directory: string
): Promise<Member> {
  const role = validators.includes(name) ? 'validator' : 'full'
  const index = Number(name.slice(name.lastIndexOf('-') + 1))
  const own = role === 'validator' ? keys[index] : fullNodeKeys(chain, index)
  if (own === undefined) throw new RangeError(`no validator ${index}`)
  const peerId = peerIdFromPrivateKey(await networkPrivateKey(own)).toString()
  return { name, role, index, peerId, directory, child: undefined, isUp: false, lives: 0, lostJournals: [] }
}
