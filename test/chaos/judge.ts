import type { JournalAccount } from './journal.ts'
import type { ChaosRecord } from './protocol.ts'

/** What a node holds from commit 1 on. */
export interface HeldChain extends ChaosRecord {
  readonly node: string
}

/** A journal of a node: it may have several where it lost its data. */
export interface NodeJournal {
  readonly node: string
  readonly account: JournalAccount
}

/** Most findings of one kind that are told of one node: the first say it all. */
const MOST = 3

/** What is wrong with what nodes hold: they must hold the same, all of it up to the tip. */
export function judgeChains(chains: readonly HeldChain[], tip: number): string[] {
  return (['commits', 'states'] as const).flatMap((what) => {
    const reference = Array.from({ length: tip }, (_, at) => mostCommon(chains.map((chain) => chain[what][at] ?? '')))
    return chains.flatMap((chain) => {
      const wrong = reference.flatMap((expected, at) => {
        const found = chain[what][at] ?? ''
        if (found === '') return `${chain.node} has nothing of the ${what} at ${at + 1}`
        return found === expected
          ? []
          : `${chain.node} differs in its ${what} at ${at + 1}: ${found}, and not ${expected}`
      })
      return wrong.slice(0, MOST)
    })
  })
}

/** What journals speak of that must not be: each commit is executed once, in order, to the state that all have come to. What is above the reference is not compared. */
export function judgeJournals(journals: readonly NodeJournal[], reference: ChaosRecord): string[] {
  return journals.flatMap(({ node, account }) => {
    const wrong = [...account.states].flatMap(([index, state]) =>
      index > reference.states.length || state === reference.states[index - 1]
        ? []
        : `its state after commit ${index} was ${state}`
    )
    return [...account.faults.slice(0, MOST), ...wrong.slice(0, MOST)].map(
      (fault) => `the journal of ${node}: ${fault}`
    )
  })
}

function mostCommon(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return values.find((value) => counts.get(value) === most) ?? ''
}
