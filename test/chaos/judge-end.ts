import type { ChaosNetwork, Member } from './chaos-network.ts'
import { type HeldChain, judgeChains, judgeJournals } from './judge.ts'

/** Commits that are asked for at once. */
const PAGE = 200

/** Compares everything that all nodes hold, and what their journals tell. @returns what is wrong */
export async function judgeEnd(network: ChaosNetwork, height: number): Promise<string[]> {
  const chains = await Promise.all(network.members.map((member) => heldBy(network, member, height)))
  const [reference] = chains
  if (reference === undefined || height === 0) return ['nothing was committed']
  const journals = network.journals().map(({ member, account }) => ({ node: member.name, account }))
  return [...judgeChains(chains, height), ...judgeJournals(journals, reference)]
}

async function heldBy(network: ChaosNetwork, member: Member, height: number): Promise<HeldChain> {
  const commits: string[] = []
  const states: string[] = []
  for (let from = 1; from <= height; from += PAGE) {
    const page = await network.ask(member, 'record', { from, to: Math.min(height, from + PAGE - 1) })
    commits.push(...(page?.commits ?? []))
    states.push(...(page?.states ?? []))
  }
  return { node: member.name, commits, states }
}
