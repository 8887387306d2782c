/** Turns are taken so many at a time, in order, and given back whatever comes of the work. */
import { expect, it } from "vitest";
import { Turns } from "../../src/model/turns.ts";

it("only so many work at a time, who waits is served in order, and what fails gives its turn back", async () => {
  const turns = new Turns(2);
  const began: number[] = [];
  const work = [0, 1, 2, 3].map((number) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const answer = turns.take(() => {
      began.push(number);
      return promise;
    });
    return { answer, resolve, reject };
  });
  expect(began).toEqual([0, 1]);
  work[1]!.reject(new Error("it failed"));
  await expect(work[1]!.answer).rejects.toThrow("it failed");
  expect(began).toEqual([0, 1, 2]);
  work[0]!.resolve(10);
  expect(await work[0]!.answer).toBe(10);
  expect(began).toEqual([0, 1, 2, 3]);
  work[2]!.resolve(12);
  work[3]!.resolve(13);
  expect(await Promise.all([work[2]!.answer, work[3]!.answer])).toEqual([12, 13]);
  expect(await turns.take(async () => "free again")).toBe("free again");
});
