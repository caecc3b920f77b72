import { Histogram, type Registry } from 'prom-client'

interface DistributionOptions {
  readonly name: string
  readonly help: string
  readonly registry: Registry
  /** Upper bounds, in order. */
  readonly buckets: readonly number[]
  /** What its values are told apart by. */
  readonly label?: string
}

/** How many values fell into each bucket (the last one has no bound), how many there were, and their sum. */
interface Series {
  readonly counts: number[]
  sum: number
}

/**
 * A histogram to which a value is added several times for each request: prom-client's own checks and puts together the labels each
 * time, and takes a microsecond for it.
 */
export class Distribution extends Histogram<string> {
  readonly #name: string
  /** How prom-client tells of a histogram. */
  readonly #described: Histogram<string>
  readonly #buckets: readonly number[]
  readonly #label: string | undefined
  readonly #series = new Map<string, Series>()

  constructor({ name, help, registry, buckets, label }: DistributionOptions) {
    const labelNames = label === undefined ? [] : [label]
    super({ name, help, labelNames, buckets: [...buckets], registers: [registry] })
    this.#name = name
    this.#described = new Histogram({ name, help, registers: [] })
    this.#buckets = buckets
    this.#label = label
    if (label === undefined) this.#begin('')
  }

  /** @param of the value of the label */
  add(value: number, of = ''): void {
    const series = this.#series.get(of) ?? this.#begin(of)
    let bucket = 0
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] ?? 0)) bucket += 1
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1
    series.sum += value
  }

  override async get(): ReturnType<Histogram<string>['get']> {
    const values = [...this.#series].flatMap(([of, series]) => this.#told(of, series))
    return { ...(await this.#described.get()), values }
  }

  /** What the registry asks where it writes text. */
  getForPromString(): ReturnType<Histogram<string>['get']> {
    return this.get()
  }

  #told(of: string, { counts, sum }: Series) {
    const labels: Partial<Record<string, string | number>> =
      this.#label === undefined ? {} : { [this.#label]: of }
    let count = 0
    const buckets = counts.map((some, bucket) => {
      count += some
      const le = this.#buckets[bucket] ?? '+Inf'
      return { metricName: `${this.#name}_bucket`, labels: { le, ...labels }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: count },
    ]
  }

  #begin(of: string): Series {
    const series = { counts: Array.from({ length: this.#buckets.length + 1 }, () => 0), sum: 0 }
    this.#series.set(of, series)
    return series
  }
}
