import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import {
  breakOff,
  connectedTo,
  type DiscoveryNode,
  exchangesOf,
  idsOf,
  informedOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'

const options = { timeout: 60_000 }

const without = (nodes: readonly DiscoveryNode[], node: DiscoveryNode) =>
  idsOf(...nodes.filter((other) => other !== node))
const isMeshed = (nodes: readonly DiscoveryNode[]) =>
  nodes.every((node) => same(connectedTo(node), without(nodes, node)) && same(informedOf(node), without(nodes, node)))

test(
  'two halves that were cut off from each other are one again, with who came meanwhile',
  options,
  async (context) => {
    const sides = new Map<string, 'east' | 'west'>()
    let isCut = false
    const start = async (side: 'east' | 'west', seeds: readonly string[]): Promise<DiscoveryNode> => {
      const isCutFrom = (peerId: PeerId) => isCut && sides.get(peerId.toString()) !== side
      const node = await startDiscovery(context, { seeds, isCutFrom })
      sides.set(node.node.peerId.toString(), side)
      return node
    }
    const first = await start('east', [])
    const east = [first, await start('east', first.addresses), await start('east', first.addresses)]
    const west = [
      await start('west', first.addresses),
      await start('west', first.addresses),
      await start('west', first.addresses)
    ]
    await until(context, () => isMeshed([...east, ...west]))

    isCut = true
    for (const one of east) for (const other of west) breakOff(one, other.node.peerId)
    const isApart = (half: readonly DiscoveryNode[]) =>
      half.every((node) => same(connectedTo(node), without(half, node)))
    await until(context, () => isApart(east) && isApart(west))

    east.push(await start('east', east[1]?.addresses ?? []))
    west.push(await start('west', west[1]?.addresses ?? []))
    await until(context, () => isApart(east) && isApart(west))
    await exchangesOf(context, [...east, ...west], 10)
    assert.ok(isApart(east) && isApart(west))
    const newcomers = [east.at(-1), west.at(-1)].flatMap((node) => node ?? [])
    for (const { node } of newcomers) {
      const knowers = [...east, ...west].filter((other) => informedOf(other).includes(node.peerId.toString()))
      assert.equal(knowers.length, 3, 'the other half has not heard of it')
    }

    isCut = false
    await until(context, () => isMeshed([...east, ...west]))
  }
)
