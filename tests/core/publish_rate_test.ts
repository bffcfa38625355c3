import { assertEquals } from "@std/assert";
import { PublishRate } from "../../broker/core/publish_rate.ts";
import { TokenBucket } from "../../broker/core/token_bucket.ts";

const OFF = { publishRateMax: 0, publishBytesRateMax: 0 };

Deno.test("publishRateMax: as many messages as that come at once, one more waits for its share of a second", () => {
  const rate = new PublishRate({ ...OFF, publishRateMax: 4 }, 0);
  assertEquals([1, 2, 3, 4, 5].map(() => rate.take(1_000_000, 0)), [0, 0, 0, 0, 250]);
  assertEquals([rate.take(1, 249), rate.take(1, 250), rate.take(1, 250)], [1, 0, 250]);
});

Deno.test("publishBytesRateMax: a second's bytes come at once, one byte more waits", () => {
  for (const [bytes, waitMs] of [[99, 0], [100, 0], [101, 10]] as const) {
    const rate = new PublishRate({ ...OFF, publishBytesRateMax: 100 }, 0);
    assertEquals(rate.take(bytes - 50, 0), 0);
    assertEquals(rate.take(50, 0), waitMs, `${bytes} bytes`);
  }
});

Deno.test("both bounds count, and what is refused uses up neither", () => {
  const rate = new PublishRate({ publishRateMax: 2, publishBytesRateMax: 10 }, 0);
  assertEquals([rate.take(10, 0), rate.take(10, 0), rate.take(10, 999)], [0, 1000, 1]);
  assertEquals([rate.take(10, 1000), rate.take(1, 1000)], [0, 100]);
});

Deno.test("a packet that is larger than the bucket comes when that is full, and what it owes is waited for", () => {
  const bucket = new TokenBucket(100, 0);
  assertEquals(bucket.waitMs(350, 0), 0);
  bucket.take(350);
  assertEquals([bucket.waitMs(1, 0), bucket.waitMs(1, 2_510), bucket.waitMs(100, 2_510)], [2_510, 0, 990]);
});

Deno.test("a bucket holds no more than a second's worth, and a clock that is set back gives nothing", () => {
  const bucket = new TokenBucket(10, 1_000_000);
  bucket.take(10);
  assertEquals(bucket.waitMs(10, 0), 1000);
  assertEquals(bucket.waitMs(10, 3_600_000), 0);
  bucket.take(10);
  assertEquals(bucket.waitMs(1, 3_600_000), 100);
});

Deno.test("there is a rate to keep only where a bound is set", () => {
  assertEquals([
    PublishRate.isLimited(OFF),
    PublishRate.isLimited({ ...OFF, publishRateMax: 1 }),
    PublishRate.isLimited({ ...OFF, publishBytesRateMax: 1 }),
  ], [false, true, true]);
});
