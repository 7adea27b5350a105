import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { MAX_NODE_INFOS } from '../../src/discovery/messages.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import { encodeResponseFrame } from '../../src/rpc/frame-codec.ts'
import { protocolId } from '../../src/rpc/index.ts'
import type { DiscoveryNode } from '../discovery/start-discovery.ts'
import { genesis, until } from '../discovery/start-discovery.ts'
import {
  infoOf,
  inventPeer,
  memoryRecords,
  sealByHand,
  sealFor,
  startAttacker,
  startPlaced
} from './discovery-attackers.ts'

const options = { timeout: 20_000 }

/** Milliseconds of quick ticks; a victim that bans nobody soon, so that the attack can go on. */
const patient = { peersInit: { maxPenalty: 1_000 } }

/** Whoever comes later is found all the same. */
async function assertUnhurt(context: Parameters<typeof startPlaced>[0], victim: DiscoveryNode): Promise<void> {
  const honest = await startPlaced(context, { host: '127.0.1.1', seeds: victim.addresses })
  await until(context, () => infoOf(victim, honest.node.peerId.toString()) !== undefined)
  await until(context, () => infoOf(honest, victim.node.peerId.toString()) !== undefined)
}

const contentOf = ({ peerId }: Awaited<ReturnType<typeof inventPeer>>, address: string) => ({
  peerId: peerId.toMultihash().bytes,
  addresses: [address],
  timestampMs: Date.now(),
  accessType: 1,
  capabilities: []
})

test('a peer’s info that another has sealed anew is refused, and the peer’s own stays', options, async (context) => {
  const [alice, mallory] = await Promise.all([inventPeer(), inventPeer()])
  const own = await sealFor(alice, ['/ip4/127.0.2.1/tcp/1'], Date.now() - 1_000)
  const resealed = await sealByHand(mallory.privateKey, contentOf(alice, '/ip4/127.0.9.9/tcp/1'))
  let asked = 0
  const attacker = await startAttacker(context, {
    answer: async () => ({ knownInfos: [asked++ === 0 ? own : resealed] })
  })
  const victim = await startPlaced(context, { ...patient, seeds: attacker.addresses })
  await until(context, () => (victim.discovery.status().infos.refused.INFO_WRONG_SIGNER ?? 0) >= 2)
  assert.deepEqual(infoOf(victim, alice.peerId.toString())?.sealed, own)
  assert.equal(infoOf(victim, mallory.peerId.toString()), undefined)
  assert.ok(victim.peers.standing(attacker.node.peerId).penalty > 0)
  await assertUnhurt(context, victim)
})

test('an info sealed by a key of any kind ends nothing but its own way', options, async (context) => {
  const alice = await inventPeer()
  const content = contentOf(alice, '/ip4/127.0.9.9/tcp/1')
  const keys = await Promise.all([generateKeyPair('ECDSA'), generateKeyPair('secp256k1'), generateKeyPair('RSA')])
  const infos = await Promise.all(keys.map((key) => sealByHand(key, content)))
  const attacker = await startAttacker(context, { answer: async () => ({ ownInfo: infos[0], knownInfos: infos }) })
  const victim = await startPlaced(context, { ...patient, seeds: attacker.addresses })
  await until(context, () => (victim.discovery.status().infos.refused.INFO_UNSUPPORTED_KEY ?? 0) >= 8)
  for (const info of infos) await attacker.introduce(victim, info)
  await assertUnhurt(context, victim)
})

test('an old info that is played back after a restart is known as such', options, async (context) => {
  const { privateKey } = await inventPeer()
  const stale = await sealFor(
    { privateKey, peerId: (await inventPeer()).peerId },
    ['/ip4/127.0.9.9/tcp/1'],
    Date.now() - 60_000
  )
  const honest = await startPlaced(context, { host: '127.0.1.1', privateKey })
  const id = honest.node.peerId.toString()
  const own = privateKeyFromProtobuf(privateKeyToProtobuf((await inventPeer()).privateKey))
  const records = memoryRecords()
  const first = await startPlaced(context, { privateKey: own, records, seeds: honest.addresses })
  await until(context, () => infoOf(first, id) !== undefined)
  await first.node.stop()
  await honest.node.stop()
  const attacker = await startAttacker(context, { answer: async () => ({ knownInfos: [stale] }) })
  const again = await startPlaced(context, { privateKey: own, records, seeds: attacker.addresses })
  await until(context, () => (again.discovery.status().infos.refused.INFO_STALE ?? 0) >= 2)
  assert.deepEqual(infoOf(again, id)?.addresses.map(String), [honest.addresses[0]?.split('/p2p/')[0]])
})

test('an answer without an end is cut off, and its sender pays', options, async (context) => {
  const attacker = await startAttacker(context)
  const name = protocolId(genesis.chainId, getKnownPeers.name)
  const frame = encodeResponseFrame(new Uint8Array(0), 1_024).subarray()
  const frames = Buffer.concat(Array<Uint8Array>(1_000).fill(frame))
  let written = 0
  const isCutOff = new Promise<void>((resolve) => {
    void attacker.node.unhandle(name).then(() =>
      attacker.node.handle(name, (stream) => {
        stream.addEventListener('close', () => resolve(), { once: true })
        const write = () => {
          while (stream.status === 'open') {
            written += frames.byteLength
            if (!stream.send(frames)) return
          }
        }
        stream.addEventListener('drain', write)
        write()
      })
    )
  })
  const victim = await startPlaced(context, { ...patient, seeds: attacker.addresses })
  await isCutOff
  await until(context, () => victim.peers.standing(attacker.node.peerId).penalty > 0)
  assert.ok(written < 64 * 1024 * 1024)
  await assertUnhurt(context, victim)
})

test('an answer byte by byte holds up nobody else', options, async (context) => {
  const attacker = await startAttacker(context)
  const name = protocolId(genesis.chainId, getKnownPeers.name)
  await attacker.node.unhandle(name)
  const timers: NodeJS.Timeout[] = []
  context.after(() => timers.forEach(clearInterval))
  let trickled = 0
  await attacker.node.handle(name, (stream) => {
    stream.send(Uint8Array.of(0xff, 0xff, 0x3f)) // the length of a frame of almost 1 MiB
    const timer = setInterval(() => {
      if (stream.status !== 'open') return clearInterval(timer)
      stream.send(new Uint8Array(1))
      trickled += 1
    }, 10)
    timers.push(timer)
  })
  const victim = await startPlaced(context, { ...patient, seeds: attacker.addresses })
  await until(context, () => trickled > MAX_NODE_INFOS / 10)
  await assertUnhurt(context, victim)
  assert.equal(victim.discovery.status().exchanges.underWay >= 1, true)
  await victim.node.stop()
  assert.equal(victim.discovery.status().exchanges.underWay, 0)
})
