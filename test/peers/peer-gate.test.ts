import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import { createPeerGate, type PeerGate, type RecordStore } from '../../src/peers/index.ts'
import { makePeers } from './make-peer.ts'
import { ManualClock } from './manual-clock.ts'

const [first, second] = await makePeers(2)
if (first === undefined || second === undefined) throw new Error('no peers')
const a = first.peerId
const b = second.peerId
const HOUR = 3_600_000

function memoryRecords(): RecordStore & { readonly records: Map<string, Uint8Array> } {
  const records = new Map<string, Uint8Array>()
  return {
    records,
    getRecord: async (name) => records.get(name),
    setRecord: async (name, value) => {
      records.set(name, value)
    }
  }
}

async function verdicts({ connectionGater }: PeerGate, peerId: PeerId): Promise<unknown[]> {
  const connection = {} as MultiaddrConnection // the hooks look at the peer only
  return await Promise.all([
    connectionGater.denyDialPeer?.(peerId),
    connectionGater.denyInboundEncryptedConnection?.(peerId, connection),
    connectionGater.denyOutboundEncryptedConnection?.(peerId, connection)
  ])
}

test('a banned peer is refused on every way in and out, others are not', async () => {
  const gate = createPeerGate({ clock: new ManualClock() })
  gate.ban(a, HOUR, 'BLOCK_BAD_SIGNATURE')
  assert.deepEqual(await verdicts(gate, a), [true, true, true])
  assert.deepEqual(await verdicts(gate, b), [false, false, false])
})

test('a ban expires, and can be lifted', async () => {
  const clock = new ManualClock()
  const gate = createPeerGate({ clock })
  gate.ban(a, HOUR, 'reason')
  gate.ban(b, HOUR, 'reason')
  assert.equal(gate.unban(b), true)
  assert.equal(gate.unban(b), false)
  assert.deepEqual(
    gate.listBans().map(({ peerId }) => peerId),
    [a.toString()]
  )
  clock.advance(HOUR)
  assert.deepEqual(await verdicts(gate, a), [false, false, false])
  assert.deepEqual(gate.listBans(), [])
})

test('bans survive a restart through the record store, lifted ones do not', async () => {
  const clock = new ManualClock()
  const records = memoryRecords()
  const gate = createPeerGate({ clock, records })
  gate.ban(a, HOUR, 'BLOCK_BAD_SIGNATURE')
  gate.ban(b, HOUR, 'RPC_BAD_FRAME')
  gate.unban(b)
  await gate.flush()
  const again = createPeerGate({ clock, records })
  assert.equal(again.isBanned(a), false)
  await again.load()
  assert.equal(again.isBanned(a), true)
  assert.deepEqual(again.listBans(), gate.listBans())
  assert.equal(again.isBanned(b), false)
})

test('a burst of bans is written a few times, the last of them too', async () => {
  let writes = 0
  const records = memoryRecords()
  const counted: RecordStore = {
    getRecord: records.getRecord,
    setRecord: async (name, value) => {
      writes += 1
      await records.setRecord(name, value)
    }
  }
  const gate = createPeerGate({ clock: new ManualClock(), records: counted })
  for (const { peerId } of await makePeers(100)) gate.ban(peerId, HOUR, 'reason')
  await gate.flush()
  assert.ok(writes <= 2, `${writes} writes`)
  const again = createPeerGate({ clock: new ManualClock(), records })
  await again.load()
  assert.equal(again.listBans().length, 100)
})

test('a record that cannot be read or written is told, and the gate goes on', async () => {
  const failures: string[] = []
  const clock = new ManualClock()
  const broken: RecordStore = {
    getRecord: async () => Uint8Array.of(0xff),
    setRecord: async () => {
      throw new Error('disk full')
    }
  }
  const gate = createPeerGate({ clock, records: broken, onRecordFailed: (error) => failures.push(error.message) })
  await gate.load()
  gate.ban(a, HOUR, 'reason')
  await gate.flush()
  assert.equal(gate.isBanned(a), true)
  assert.equal(failures.length, 2)
  assert.equal(failures[1], 'disk full')
})

test('the table of bans is bounded', async () => {
  const gate = createPeerGate({ clock: new ManualClock(), maxBans: 3 })
  for (const { peerId } of await makePeers(10)) gate.ban(peerId, HOUR, 'reason')
  assert.equal(gate.listBans().length, 3)
})

test('the allowlist holds for the gate alone, without a service, and peer ids are known in any spelling', async () => {
  const gate = createPeerGate({
    clock: new ManualClock(),
    allowlist: [a.toCID().toString()],
    onlyAllowlisted: true
  })
  gate.ban(a, HOUR, 'reason')
  assert.equal(gate.isChosen(a), true)
  assert.deepEqual(await verdicts(gate, a), [false, false, false])
  assert.deepEqual(await verdicts(gate, b), [false, true, false])
})

test('the guard is asked about those who dial, and told who was refused', async () => {
  const gate = createPeerGate({ clock: new ManualClock() })
  const refused: string[] = []
  gate.guardBy({
    isConfigured: (peerId) => peerId.equals(a),
    hasRoomFor: () => false,
    onRefused: (_peerId, refusal) => refused.push(refusal)
  })
  gate.ban(a, HOUR, 'reason')
  assert.deepEqual(await verdicts(gate, a), [false, false, false])
  assert.deepEqual(await verdicts(gate, b), [false, true, false])
  gate.ban(b, HOUR, 'reason')
  assert.deepEqual(await verdicts(gate, b), [true, true, true])
  assert.deepEqual(refused, ['subnet', 'banned'])
})
