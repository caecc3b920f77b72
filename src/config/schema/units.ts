/** Beginnings of options that carry a unit: spread them into the option. */
export const duration = { type: ['integer', 'string'], format: 'duration', minimum: 0 } as const
export const size = { type: ['integer', 'string'], format: 'size', minimum: 0 } as const
