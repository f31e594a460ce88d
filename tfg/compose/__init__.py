"""A small network's answer, applied at the source's own resolution.

A network that learns on two cores works at about 100 px. Its answer says how to move what the source shows (flow), what
to paint where the source shows nothing (colour), and how far each is to be trusted. The three are enlarged apart and
applied to the source's own pixels, so what is copied stays as sharp as the source. Any system may use this.

answer    colour, flow and trust of a batch of pictures, and the check that they are numbers
calm      an answer made steadier before it is enlarged: smooth flow, trust that decides, paint in the face's light
place     where an answer lies in a larger picture, and its parts enlarged onto that picture's pixels
draw      flow, colour and trust applied to the source; the result laid into the picture
features  what landmarks tell of the face in the source: lips, irises, teeth, light
mouth     lips whose edges are the source's, with teeth, tongue and cavity behind them at the picture's own resolution
eyes      irises that stay round while lids widen
grain     fine noise of the surroundings, for what was painted
"""
