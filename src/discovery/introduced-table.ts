import { type Random, randomInteger } from '../runtime/random.ts'

export interface IntroducedTableInit<T> {
  /** Most entries. */
  readonly capacity: number
  /** Most entries of one introducer. */
  readonly perIntroducer: number
  /** Most entries of one subnet. */
  readonly perSubnet: number
  readonly random: Random
  /** The subnet that an entry counts for; `undefined` where none is counted. */
  readonly subnetOf: (value: T) => string | undefined
  /** Whether an entry is not given up for one that is not proven. */
  readonly isProven: (value: T) => boolean
  /** Whether an entry is never given up. */
  readonly isKept: (key: string) => boolean
}

/** Something somebody told of a peer. */
export interface Introduced<T> {
  readonly value: T
  /** Who brought the first news of the peer: no later one can take it over, nor be blamed for it. */
  readonly introducer: string
  readonly subnet: string | undefined
}

/**
 * A bounded table of what others tell of peers, in which every introducer and every subnet has its quota, so that nobody can fill it alone.
 *
 * Who exceeds a quota loses another entry of the same quota, drawn at random: what an introducer tells then displaces only what it told before. In a full
 * table, and in a full subnet, the introducer with the most entries in it loses one. What is not proven goes first.
 */
export class IntroducedTable<T> {
  readonly #init: IntroducedTableInit<T>
  readonly #entries = new Map<string, Introduced<T>>()
  readonly #byIntroducer = new Map<string, Set<string>>()
  readonly #bySubnet = new Map<string, Set<string>>()

  constructor(init: IntroducedTableInit<T>) {
    this.#init = init
  }

  get(key: string): Introduced<T> | undefined {
    return this.#entries.get(key)
  }

  entries(): IterableIterator<[string, Introduced<T>]> {
    return this.#entries.entries()
  }

  /**
   * Puts in something about a peer, in place of what was known of it.
   *
   * @returns `full` when a quota is full of entries that are never given up
   */
  set(key: string, value: T, introducer: string): 'new' | 'replaced' | 'full' {
    const before = this.#entries.get(key)
    const subnet = this.#init.subnetOf(value)
    const isProven = this.#init.isProven(value)
    if (before !== undefined) {
      if (subnet !== before.subnet && !this.#makeRoomIn(subnet, isProven)) return 'full'
      this.#remove(key, before)
      this.#add(key, { value, introducer: before.introducer, subnet })
      return 'replaced'
    }
    if (!this.#makeRoom(introducer, subnet, isProven)) return 'full'
    this.#add(key, { value, introducer, subnet })
    return 'new'
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#remove(key, entry)
  }

  #makeRoom(introducer: string, subnet: string | undefined, isProven: boolean): boolean {
    const { capacity, perIntroducer } = this.#init
    const introduced = this.#byIntroducer.get(introducer)
    if (introduced !== undefined && introduced.size >= perIntroducer) {
      if (!this.#giveUp(this.#expendable(introduced, isProven))) return false
    }
    if (!this.#makeRoomIn(subnet, isProven)) return false
    if (this.#entries.size < capacity) return true
    return this.#giveUp(this.#largestShare(this.#expendable(this.#entries.keys(), isProven)))
  }

  #makeRoomIn(subnet: string | undefined, isProven: boolean): boolean {
    const inSubnet = subnet === undefined ? undefined : this.#bySubnet.get(subnet)
    if (inSubnet === undefined || inSubnet.size < this.#init.perSubnet) return true
    return this.#giveUp(this.#largestShare(this.#expendable(inSubnet, isProven)))
  }

  /** Those of these that may go for a newcomer: what is not proven, or if there is none, for a proven one, all that is not kept. */
  #expendable(keys: Iterable<string>, isProven: boolean): string[] {
    const free = [...keys].filter((key) => !this.#init.isKept(key))
    const unproven = free.filter((key) => {
      const entry = this.#entries.get(key)
      return entry !== undefined && !this.#init.isProven(entry.value)
    })
    return unproven.length === 0 && isProven ? free : unproven
  }

  /** Gives up one of these at random. */
  #giveUp(keys: readonly string[]): boolean {
    const key = keys[randomInteger(this.#init.random, keys.length)]
    if (key === undefined) return false
    this.delete(key)
    return true
  }

  /** Those of the introducer who has the most of these. */
  #largestShare(keys: Iterable<string>): string[] {
    const shares = new Map<string, string[]>()
    for (const key of keys) {
      const introducer = this.#entries.get(key)?.introducer
      if (introducer === undefined) continue
      const share = shares.get(introducer)
      if (share === undefined) shares.set(introducer, [key])
      else share.push(key)
    }
    let largest: string[] = []
    for (const share of shares.values()) if (share.length > largest.length) largest = share
    return largest
  }

  #add(key: string, entry: Introduced<T>): void {
    this.#entries.set(key, entry)
    addTo(this.#byIntroducer, entry.introducer, key)
    if (entry.subnet !== undefined) addTo(this.#bySubnet, entry.subnet, key)
  }

  #remove(key: string, { introducer, subnet }: Introduced<T>): void {
    this.#entries.delete(key)
    removeFrom(this.#byIntroducer, introducer, key)
    if (subnet !== undefined) removeFrom(this.#bySubnet, subnet, key)
  }
}

function addTo(groups: Map<string, Set<string>>, group: string, key: string): void {
  const keys = groups.get(group)
  if (keys === undefined) groups.set(group, new Set([key]))
  else keys.add(key)
}

function removeFrom(groups: Map<string, Set<string>>, group: string, key: string): void {
  const keys = groups.get(group)
  keys?.delete(key)
  if (keys?.size === 0) groups.delete(group)
}
