import type { PeerId } from '@libp2p/interface'
import type { NodeInfoContent } from '../../src/discovery/messages.ts'
import { type NodeInfo, type OpenRules, openNodeInfo, sealNodeInfo } from '../../src/discovery/node-info.ts'
import { makePeer, type TestPeer } from '../peers/make-peer.ts'

export const CHAIN: Uint8Array = new Uint8Array(32).fill(7)
export const NOW = 1_700_000_000_000
export const HOUR = 3_600_000

type Content = Partial<Omit<NodeInfoContent, 'peerId'>>

/** A sealed info with everything in order but for what is given. */
export async function seal(peer: TestPeer, content: Content = {}, chainId: Uint8Array = CHAIN): Promise<Uint8Array> {
  const whole = { addresses: ['/ip4/8.8.8.8/tcp/4001'], timestampMs: NOW, accessType: 1, capabilities: [], ...content }
  return await sealNodeInfo(whole, peer.privateKey, chainId)
}

/** The rules of a node that knows nobody, for a relayed info. */
export async function rules(rule: Partial<OpenRules> = {}): Promise<OpenRules> {
  const self = (await makePeer(999_999)).peerId
  return { chainId: CHAIN, self, now: NOW, privateNetwork: false, newest: () => undefined, from: undefined, ...rule }
}

/** An opened info. */
export async function makeInfo(peer: TestPeer, content: Content = {}): Promise<NodeInfo> {
  const timestampMs = content.timestampMs ?? NOW
  return await openNodeInfo(await seal(peer, content), await rules({ now: timestampMs, from: peer.peerId }))
}

/** Text of peer ids, sorted, to compare sets. */
export function names(peers: Iterable<{ readonly peerId: PeerId }>): string[] {
  return [...peers].map(({ peerId }) => peerId.toString()).sort()
}
