import { type BuiltGenesis, buildGenesis, deriveValidatorKeys, type ValidatorKeys } from '../src/testing/index.ts'

const VALIDATORS = 4

/** The genesis of a line of nodes, the same in every process, and the keys of each node: of the first validator, and of full nodes behind it. */
export function lineGenesis(): BuiltGenesis & { networkKeys(place: number): ValidatorKeys } {
  const built = buildGenesis({
    validators: Array.from({ length: VALIDATORS }, (_, index) => ({ keys: deriveValidatorKeys(1, index) })),
    startTimeMs: Date.UTC(2026, 0, 1)
  })
  return { ...built, networkKeys: (place) => (place === 0 && built.keys[0]) || deriveValidatorKeys(2, place) }
}
