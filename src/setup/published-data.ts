import type { PublishedFile } from "./download.js"

/** Archives that somebody publishes, which make a data set together. */
export interface PublishedData {
  readonly name: string
  readonly archives: readonly (PublishedFile & { readonly file: string; readonly megabytes: number })[]
  /** Where the archives put it, below the folder that they are unpacked into, and where it goes. */
  readonly unpacked: string
  readonly place: string
  /** How many images it has, to know that it is whole. */
  readonly images: number
  readonly licence: string
}

type Row = readonly [path: string, md5: string, megabytes: number]

function archives(server: string, rows: readonly Row[]): PublishedData["archives"] {
  return rows.map(([path, hex, megabytes]) => {
    return {
      url: `${server}/${path}`,
      file: path.split("/").at(-1)!,
      megabytes,
      check: { algorithm: "md5", hex } as const,
    }
  })
}

const voc = "http://host.robots.ox.ac.uk/pascal/VOC"
const coco = "http://images.cocodataset.org"
const flickr = "photos from Flickr, under its terms of use"

/**
 * @source torchvision/datasets/voc.py for VOC's addresses and MD5; for COCO's MD5 those that data loaders of several projects
 * agree on (COCO itself publishes none)
 */
export const publishedData: readonly PublishedData[] = [
  {
    name: "voc2007",
    archives: archives(voc, [
      ["voc2007/VOCtrainval_06-Nov-2007.tar", "c52e279531787c972589f7e41ab4ae64", 460],
      ["voc2007/VOCtest_06-Nov-2007.tar", "b6e924de25625d8de591ea690078ad9f", 451],
    ]),
    unpacked: "VOCdevkit/VOC2007",
    place: "VOCdevkit/VOC2007",
    images: 9963,
    licence: flickr,
  },
  {
    name: "voc2012",
    archives: archives(voc, [["voc2012/VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd", 2000]]),
    unpacked: "VOCdevkit/VOC2012",
    place: "VOCdevkit/VOC2012",
    images: 17_125,
    licence: flickr,
  },
  {
    name: "coco2017",
    archives: archives(coco, [
      ["annotations/annotations_trainval2017.zip", "f4bbac642086de4f52a3fdda2de5fa2c", 253],
      ["zips/val2017.zip", "442b8da7639aecaf257c1dceb8ba8c80", 816],
      ["zips/train2017.zip", "cced6f7f71b7629ddf16f17bbcfab6b2", 19_337],
    ]),
    unpacked: "",
    place: "coco2017",
    images: 123_287,
    licence: `annotations CC BY 4.0; ${flickr}`,
  },
]
